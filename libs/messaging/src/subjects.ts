import { Name, PREFIX, RpcOperation, type NodeName } from '@openward/contracts';

// The tokens of a subject are the sender's identity: the server lets a node publish on its own subjects only.

const names = (site: string | undefined, node: string | undefined): NodeName | null =>
  Name.safeParse(site).success && Name.safeParse(node).success ? { site: site as Name, node: node as Name } : null;

export function parseReportSubject(subject: string): NodeName | null {
  const [site, node, ...rest] = subject.startsWith(`${PREFIX}.rpt.`)
    ? subject.slice(`${PREFIX}.rpt.`.length).split('.')
    : [];
  return rest.length === 0 ? names(site, node) : null;
}

export function parseRpcSubject(subject: string): (NodeName & { readonly operation: RpcOperation }) | null {
  const [site, node, last, ...rest] = subject.startsWith(`${PREFIX}.rpc.`)
    ? subject.slice(`${PREFIX}.rpc.`.length).split('.')
    : [];
  const named = names(site, node);
  const operation = RpcOperation.find((name) => name === last);
  return rest.length === 0 && named !== null && operation !== undefined ? { ...named, operation } : null;
}
