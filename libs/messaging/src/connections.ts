import { Name, type NodeName } from '@openward/contracts';
import type { Authority } from './authority.ts';
import type { ControlPlaneLink } from './connect-control-plane.ts';

// Which nodes are connected, as the server says that took their credentials. It costs the nodes no message. A connection is
// no report: nothing is decided by it, and people are told (R7).

interface Connection {
  readonly issuer_key?: string;
  readonly jwt?: string;
}
interface Connz {
  readonly data?: { readonly connections?: readonly Connection[] | null; readonly total?: number };
  readonly error?: { readonly description?: string };
}
interface Claims {
  readonly name?: string;
  readonly nats?: { readonly tags?: readonly string[] };
}

const PAGE = 512;
/** A network has fewer; a server that never ends its list is not believed. */
const MOST_PAGES = 64;
/** Until every server of a cluster has said its part. */
const SERVERS_ANSWER_WITHIN_MS = 2_000;
const SERVERS_PAUSE_MS = 250;

const SITE_TAG = 'site:';

/** The node whose control credentials these are; its bulk connection says nothing of whether it can be told anything. */
function nodeOf({ issuer_key: issuer, jwt }: Connection, controlKey: string): NodeName | null {
  if (issuer !== controlKey || jwt === undefined) return null;
  // The server has checked the signature when it let the node in; a thousand of them each time would cost seconds.
  const payload = Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8');
  const { name, nats } = JSON.parse(payload) as Claims;
  const site = nats?.tags?.find((tag) => tag.startsWith(SITE_TAG))?.slice(SITE_TAG.length);
  const parsed = { site: Name.safeParse(site).data, node: Name.safeParse(name).data };
  return parsed.site === undefined || parsed.node === undefined ? null : { site: parsed.site, node: parsed.node };
}

/**
 * The nodes whose control connection one of the servers holds now. A server takes a line that went dead for a connection until
 * its pings have gone unanswered: a minute, by the configuration that is rendered here. A node behind a leaf node of its
 * site is not seen. Rejects where no server answers: then nothing is known, which is not that nobody is connected.
 */
export async function connectedNodes(
  sys: ControlPlaneLink<'sys'>,
  authority: Pick<Authority, 'accounts' | 'keys'>,
): Promise<ReadonlyMap<Name, NodeName>> {
  const controlKey = authority.keys.edgeControl.getPublicKey();
  const found = new Map<Name, NodeName>();
  for (let page = 0; page < MOST_PAGES; page++) {
    const answers = await ask(sys, authority.accounts.edge, page * PAGE);
    for (const connection of answers.flatMap(({ data }) => data?.connections ?? [])) {
      const node = nodeOf(connection, controlKey);
      if (node !== null) found.set(node.node, node);
    }
    if (!answers.some(({ data }) => (data?.total ?? 0) > (page + 1) * PAGE)) break;
  }
  return found;
}

async function ask(sys: ControlPlaneLink<'sys'>, edge: string, offset: number): Promise<readonly Connz[]> {
  const answers: Connz[] = [];
  const replies = await sys.nc.requestMany(
    `$SYS.REQ.ACCOUNT.${edge}.CONNZ`,
    JSON.stringify({ auth: true, limit: PAGE, offset }),
    { strategy: 'stall', maxWait: SERVERS_ANSWER_WITHIN_MS, stall: SERVERS_PAUSE_MS },
  );
  for await (const reply of replies) {
    const answer = reply.json<Connz>();
    if (answer.data === undefined)
      throw new Error(`no list of connections: ${answer.error?.description ?? 'no reason'}`);
    answers.push(answer);
  }
  if (answers.length === 0) throw new Error('no NATS server says who is connected');
  return answers;
}
