import { z } from 'zod';

// One list of everything that can be refused. An error says what happened, why, and what to do next; the status is the HTTP
// one, and a command's exit code follows from it. Parts of the product add their codes here and nowhere else.

interface Entry {
  readonly status: number;
  /** What to do next, in a sentence, for the person who reads it. */
  readonly next: string;
}

const entries = <const T extends Record<string, Entry>>(list: T): T => list;

export const ERRORS = entries({
  badRequest: { status: 400, next: 'Correct the field that the message names and send the request again.' },
  notJson: { status: 400, next: 'Send a JSON body with the content type application/json.' },
  bodyTooLarge: { status: 413, next: 'Send a smaller body; the limit is in the message.' },
  bodyTooSlow: { status: 408, next: 'Send the whole body within the time that the message names.' },
  unauthenticated: { status: 401, next: 'Log in with `openward login`, or set OPENWARD_TOKEN.' },
  forbidden: { status: 403, next: 'Ask a network admin for a token with the right that the message names.' },
  notFound: { status: 404, next: 'Check the name; the matching `list` command shows what there is.' },
  conflict: { status: 409, next: 'Look at what is there now, then decide again.' },
  idempotencyMissing: { status: 400, next: 'Send an Idempotency-Key header, a new one for each new thing to create.' },
  idempotencyReused: { status: 422, next: 'Use a new Idempotency-Key: this one belongs to another request.' },
  tokenExpired: { status: 401, next: 'Ask a network admin for a new enrolment token.' },
  tokenUsed: { status: 401, next: 'Each enrolment token enrols one node; ask for a new one.' },
  tokenUnknown: { status: 401, next: 'Copy the whole token again, or ask for a new one.' },
  nodeExists: { status: 409, next: 'Choose another node name, or revoke the node first.' },
  nodeRevoked: { status: 403, next: 'This node was revoked; enrol again with a new token.' },
  signatureInvalid: { status: 401, next: 'Check that the node uses the identity it was enrolled with.' },
  renewalReplayed: { status: 409, next: 'Ask with a nonce that was never used: each question is sealed anew.' },
  notGguf: { status: 422, next: 'Push a GGUF file, version 2 or 3.' },
  ggufCutShort: { status: 422, next: 'The file ends early; copy it again and compare its size.' },
  ggufHostile: { status: 422, next: 'The header asks for more than the file has; do not use this file.' },
  digestMismatch: { status: 422, next: 'The bytes are not those that were announced; send them again.' },
  chunkMissing: { status: 409, next: 'Upload the chunks that the message lists, then register again.' },
  versionExists: { status: 409, next: 'A version is immutable; push these bytes under a new version.' },
  modelRetired: { status: 409, next: 'Name a version that is not retired; `openward models list` shows which are.' },
  modelInUse: {
    status: 409,
    next: 'End those rollouts, and roll another release out to those nodes, or revoke them; then retire it.',
  },
  baseMismatch: { status: 422, next: 'Push the adapter with the base that it was trained on.' },
  quotaExceeded: {
    status: 507,
    next: 'Raise the quota (OPENWARD_ARTIFACT_QUOTA_BYTES), or retire versions (`openward models retire`), and push again.',
  },
  releaseRecalled: { status: 409, next: 'A recalled release is never rolled out; make a new one.' },
  noSitesSelected: { status: 422, next: 'Change the labels so that they select a site with an enrolled node.' },
  planBlocked: { status: 422, next: 'Clear what blocks the nodes that the plan names, then plan again.' },
  planStale: { status: 409, next: 'Look at the difference, plan again, and approve the new hash.' },
  rolloutLive: { status: 409, next: 'Wait for the live rollout, end it, or start with --supersede.' },
  rolloutRefused: { status: 409, next: 'See `openward rollouts watch` for what the rollout is doing now.' },
  waiverRefused: { status: 409, next: 'Only an inconclusive gate can be waived, never a failed one.' },
  policyInvalid: { status: 422, next: 'Correct what the message names; `openward policy test` finds the same.' },
  policyTestFailed: { status: 422, next: 'Correct the rule or its test; `openward policy test` shows both texts.' },
  policyExists: { status: 409, next: 'A revision is immutable and only grows: push these files under the next one.' },
  changeMismatch: { status: 422, next: 'Name the class of change that the message names, or change less.' },
  readOnly: {
    status: 503,
    next: 'The control plane holds an older state than a node has seen; an admin opens a new epoch.',
  },
  busy: { status: 503, next: 'Try again shortly.' },
  internal: {
    status: 500,
    next: 'Look for the reference in the log of what answered: the control plane, or the node.',
  },
  // The gateway's.
  modelNotFound: { status: 404, next: 'Use one of the services that /v1/models lists as the model name.' },
  fieldRefused: { status: 400, next: 'Leave out the field that the message names.' },
  notOffered: { status: 404, next: 'Ask for a chat or a completion; GET /v1/models lists the services that answer.' },
  keyMissing: {
    status: 401,
    next: 'Send an API key of this gateway; hospital IT makes one with `openward node keys add`.',
  },
  tooLong: { status: 400, next: 'Shorten the messages, or ask for a shorter reply.' },
  templateMark: { status: 400, next: 'Take the model’s own marks out of the message.' },
  halted: { status: 503, next: 'Hospital IT has stopped this service; follow the fallback text.' },
  notServing: { status: 503, next: 'No release serves now; follow the fallback text.' },
  queueFull: { status: 429, next: 'Try again after the time in Retry-After.' },
  systemRefused: { status: 400, next: 'Leave out the system message: the release brings its own.' },
  controlCharacters: { status: 400, next: 'Take the control characters out of the message.' },
  policyFailed: { status: 503, next: 'A rule could not be applied; follow the fallback text and tell hospital IT.' },
  policyExpired: { status: 503, next: 'The policy has expired and this site chose to stop; follow the fallback text.' },
  runtimeFailed: { status: 502, next: 'Try again; if it goes on, hospital IT runs `openward node doctor`.' },
  // The node's own.
  diskFull: { status: 507, next: 'Free space in the data folder; the fetch goes on by itself.' },
  notWaiting: { status: 409, next: 'See `openward node offers` for what waits for an answer.' },
  anchorNotNamed: {
    status: 409,
    next: 'Name the release with --release where you mean it; `openward node halt` stops the service at once without going anywhere.',
  },
  termRefused: {
    status: 422,
    next: 'Say it more narrowly, or keep what there was: the message names the release, the rule and the test that it would break.',
  },
  patternInvalid: {
    status: 422,
    next: 'Correct the pattern and give it again: the syntax is that of RE2, as in MRN-[0-9]{7}.',
  },
  offerUnreadable: { status: 422, next: 'Reject the release, and tell the network admin.' },
  shadowRefused: { status: 409, next: 'See `openward node offers` for what waits here, and what is asked of you.' },
  suiteUnknown: { status: 404, next: 'See `openward node suites list`.' },
  dataInvalid: { status: 422, next: 'Correct the line that the message names and add the file again.' },
  notEnrolled: { status: 409, next: 'Run `openward node enrol` first.' },
});

export type ErrorCode = keyof typeof ERRORS;
export const ErrorCode = z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]);

/** The body of each refusal of the REST API and of the node's own socket. */
export const ErrorBody = z.object({
  code: ErrorCode,
  message: z.string(),
  next: z.string(),
  details: z.unknown().optional(),
  reference: z.string().optional(),
});
export type ErrorBody = z.infer<typeof ErrorBody>;

/** An expected refusal on its way to the edge where it becomes a status or an exit code. */
export class Refusal extends Error {
  readonly code: ErrorCode;
  readonly details: unknown;
  /** What to do about it: the code's own, where nothing better is known of the case. */
  readonly next: string;
  constructor(code: ErrorCode, message: string, options: { details?: unknown; cause?: unknown; next?: string } = {}) {
    super(message, { cause: options.cause });
    this.name = 'Refusal';
    this.code = code;
    this.details = options.details;
    this.next = options.next ?? ERRORS[code].next;
  }
  get status(): number {
    return ERRORS[this.code].status;
  }
  toBody(reference?: string): ErrorBody {
    const body: ErrorBody = { code: this.code, message: this.message, next: this.next };
    if (this.details !== undefined) body.details = this.details;
    if (reference !== undefined) body.reference = reference;
    return body;
  }
}
