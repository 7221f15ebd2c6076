/** In a row, of one sender; one that errs now and then is never kept waiting. */
const REFUSED_IN_A_ROW = 8;
const LOOK_EVERY_MS = 500;
/** Each message that is put back comes again this long after the one before it, so that there is one to look at. */
const APART_MS = 1_000;
const LONGEST_MS = 60_000;

interface Refused {
  inARow: number;
  nextLook: number;
  /** When the message that was put back last comes again. */
  comesAgain: number;
}

/**
 * Senders whose messages are refused in a row. Of theirs two a second at most are looked at, so that a flood costs no more than
 * that; the rest is put back, and what is put back still counts against what the server lets the sender have waiting. So nothing
 * is lost, and the flood stays outside. One message that is taken, and the sender is like any other again.
 */
export class RefusedSenders {
  readonly #senders = new Map<string, Refused>();

  /** For how long this message of the sender's is put back; 0: it is looked at. `now` is monotonic, in milliseconds. */
  putBackMs(sender: string, now: number): number {
    const found = this.#senders.get(sender);
    if (found === undefined || found.inARow < REFUSED_IN_A_ROW) return 0;
    if (now >= found.nextLook) {
      found.nextLook = now + LOOK_EVERY_MS;
      return 0;
    }
    found.comesAgain = Math.min(Math.max(found.comesAgain, now) + APART_MS, now + LONGEST_MS);
    return found.comesAgain - now;
  }

  refused(sender: string, now: number): void {
    const found = this.#senders.get(sender) ?? { inARow: 0, nextLook: 0, comesAgain: now };
    found.inARow += 1;
    if (found.inARow === REFUSED_IN_A_ROW) found.nextLook = now + LOOK_EVERY_MS;
    this.#senders.set(sender, found);
  }

  taken(sender: string): void {
    this.#senders.delete(sender);
  }
}
