import { ERRORS, Refusal, type ErrorBody } from '@openward/contracts';

/** No answer: the line, the address, the certificate, or the process behind it. `message` says what and why. */
export class Unreachable extends Error {
  /** What to do next, in a sentence. */
  readonly next: string;
  constructor(message: string, next: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'Unreachable';
    this.next = next;
  }
}

/** An answer that this client cannot read: the two ends are of versions that do not know each other. */
export class UnknownReply extends Error {
  readonly next = 'Use a client of the same version as the server; `openward doctor` prints the server’s.';
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'UnknownReply';
  }
}

/** A refusal as the other end worded it. `reference` finds it in that end's log. */
export class RemoteRefusal extends Refusal {
  readonly next: string;
  readonly reference: string | undefined;
  constructor(body: ErrorBody) {
    super(body.code, body.message, { details: body.details });
    this.next = body.next === '' ? ERRORS[body.code].next : body.next;
    this.reference = body.reference;
  }
}
