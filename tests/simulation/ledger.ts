import type { Digest } from '@openward/contracts';
import { EMPTY_LEDGER, type LedgerRow, type LedgerStore } from '@openward/privacy';
import { between, type Life } from '@openward/activation/testing';

/** The node's ledger and outbox, in one database: each write is there whole or not at all, before or after a death. */
export class SimulatedLedger {
  readonly rows: LedgerRow[] = [];
  readonly queue = new Map<number, Uint8Array>();
  newest = 0;

  headAt(seq: number): Digest | null {
    return seq === 0 ? EMPTY_LEDGER.head : (this.rows[seq - 1]?.head ?? null);
  }

  store(life: Life, near: () => void): LedgerStore {
    const { world } = life;
    const read = <T>(value: () => T): Promise<T> => life.answer(between(world, 0, 2), value);
    const write = async (commit: () => void): Promise<void> => {
      near();
      await life.answer(between(world, 0, 8), commit);
      await life.answer(between(world, 0, 8), () => undefined);
    };
    return {
      head: () => read(() => this.#head()),
      append: (row) => write(() => void this.rows.push(row)),
      appendReport: (row, seq) =>
        write(() => {
          this.rows.push(row);
          this.queue.set(seq, row.bytes);
          this.newest = seq;
        }),
      newestReport: () => read(() => this.newest),
      queued: (limit) => read(() => [...this.queue].slice(0, limit).map(([seq, frame]) => ({ seq, frame }))),
      acknowledge: (through) =>
        write(() => {
          for (const seq of this.queue.keys()) if (seq <= through) this.queue.delete(seq);
        }),
    };
  }

  #head() {
    const { seq, head } = this.rows.at(-1) ?? EMPTY_LEDGER;
    return { seq, head };
  }
}
