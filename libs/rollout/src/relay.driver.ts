import type { DesiredTransport, NodeRef, OutboxStore, Signer } from './ports.ts';
import { repeat, type LoopPorts } from './tick.driver.ts';

export interface RelayPorts extends LoopPorts {
  readonly outbox: OutboxStore;
  readonly transport: DesiredTransport;
  readonly signer: Signer;
}

export interface RelayPace {
  readonly limit: number;
  /** Longer than a put may take; a relay that dies gives its nodes back when it ends. */
  readonly leaseMs: number;
  readonly idleMs: number;
  readonly afterErrorMs: number;
}

/** How often another relay may get in between before this one leaves the node to it for a while. */
const TRIES = 5;

/** Puts the newest desired state of each claimed node. False where none waits. One node's failure does not hold another's. */
export async function relayOnce(ports: RelayPorts, pace: RelayPace): Promise<boolean> {
  const nodes = await ports.outbox.claim(pace.limit, pace.leaseMs);
  await Promise.all(
    nodes.map(async (node) => {
      try {
        if (!(await putNewest(ports, node))) await ports.outbox.putOff(node, pace.idleMs);
      } catch (error) {
        ports.log.warn('desired state not put', { ...node, error });
        await ports.outbox.putOff(node, pace.afterErrorMs);
      }
    }),
  );
  return nodes.length > 0;
}

export async function runRelay(ports: RelayPorts, pace: RelayPace, signal: AbortSignal): Promise<void> {
  await repeat(() => relayOnce(ports, pace), 'relay failed', ports, pace, signal);
}

/**
 * D3. The revision is always learnt before the state is read, so a put that the bucket takes carries nothing older than what
 * it replaces: whoever put in between raised the revision, and this put conflicts and reads again.
 */
async function putNewest(ports: RelayPorts, node: NodeRef): Promise<boolean> {
  let seen: number | null = null;
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const newest = await ports.outbox.newest(node);
    if (newest === null) {
      await ports.outbox.drop(node);
      return true;
    }
    const bytes = await ports.signer.sealDesired(newest.state);
    const put = await ports.transport.put(node, bytes, seen ?? newest.revision);
    if (put.kind === 'put') {
      await ports.outbox.done(node, { generation: newest.state.generation, revision: put.revision });
      return true;
    }
    seen = await ports.transport.revision(node);
  }
  return false;
}
