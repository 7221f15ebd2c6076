import { Injectable } from '@nestjs/common';
import type { NodeName } from '@openward/contracts';

const LINE_EVERY_MS = 60_000;
/** A refusal that nothing followed for this long is history. */
const LATELY_MS = 600_000;

export interface RefusedNode extends NodeName {
  /** Of the last one. */
  readonly why: string;
  readonly reports: number;
  readonly since: number;
}

interface Kept extends RefusedNode {
  readonly last: number;
  readonly toldAt: number;
  readonly untold: number;
}

/**
 * Reports that this replica refused lately, by the node that the server let send them: at most one entry a node, whatever it sends.
 * Times are in milliseconds since 1970.
 */
@Injectable()
export class RefusedReports {
  readonly #nodes = new Map<string, Kept>();

  /** How many to tell of in a log line now: the first of a node at once, then a count a minute. Null for no line. */
  add({ site, node }: NodeName, why: string, now: number): number | null {
    const key = `${site}/${node}`;
    const found = this.#nodes.get(key);
    const known = found !== undefined && now - found.last <= LATELY_MS ? found : null;
    const untold = (known?.untold ?? 0) + 1;
    const isTold = known === null || now - known.toldAt >= LINE_EVERY_MS;
    this.#nodes.set(key, {
      site,
      node,
      why,
      reports: (known?.reports ?? 0) + 1,
      since: known?.since ?? now,
      last: now,
      toldAt: isTold ? now : known.toldAt,
      untold: isTold ? 0 : untold,
    });
    return isTold ? untold : null;
  }

  lately(now: number): RefusedNode[] {
    for (const [key, { last }] of this.#nodes) if (now - last > LATELY_MS) this.#nodes.delete(key);
    return [...this.#nodes.values()].map(({ site, node, why, reports, since }) => ({
      site,
      node,
      why,
      reports,
      since,
    }));
  }
}
