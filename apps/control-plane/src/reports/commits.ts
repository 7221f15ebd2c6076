import { Injectable } from '@nestjs/common';
import type { Name } from '@openward/contracts';

/** Rings when this replica has committed a report of a node, for calls that wait for it. */
@Injectable()
export class Commits {
  readonly #rings = new Map<Name, AbortController>();

  /** Aborts at the node's next commit here. Taken before one looks, so that no commit falls in between. */
  next(node: Name): AbortSignal {
    const ring = this.#rings.get(node) ?? new AbortController();
    this.#rings.set(node, ring);
    return ring.signal;
  }

  committed(node: Name): void {
    this.#rings.get(node)?.abort();
    this.#rings.delete(node);
  }
}
