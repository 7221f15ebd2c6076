import type { Log } from '@openward/contracts';
import type { SentFrame } from '@openward/messaging';

/** Counts frames that carry nothing the agent composed, by template, for one row of the ledger an hour (P1). */
export class FrameCounter {
  readonly #log: Log;
  #counts: Record<string, number> = {};

  constructor(log: Log) {
    this.#log = log;
  }

  /** A composed payload has its own row. A frame that follows no template is an alarm. */
  count(sent: SentFrame): void {
    if ('composed' in sent) return;
    const name = 'template' in sent ? sent.template : 'unknown';
    this.#counts[name] = (this.#counts[name] ?? 0) + 1;
    if ('unknown' in sent) this.#log.error('egress.unknownFrame', { op: sent.unknown.op });
  }

  take(): Readonly<Record<string, number>> {
    const counts = this.#counts;
    this.#counts = {};
    return counts;
  }
}
