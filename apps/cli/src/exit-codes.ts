import type { ErrorCode } from '@openward/contracts';

// What a command's end tells a script. Documented in docs/cli.md, which a test compares.

export const EXIT = {
  ok: 0,
  /** It was refused, or it failed: standard error says what, why, and what to do. */
  refused: 1,
  /** The command line itself is wrong. */
  usage: 2,
  /** The control plane or the agent does not answer, or is not trusted. */
  unreachable: 3,
  /** No token, one that is not known or has expired, or one without the right. */
  notAuthorised: 4,
  /** The rollout that was watched was aborted or taken back. */
  rolloutEndedBadly: 5,
  /** `doctor` found a problem. */
  problemFound: 6,
  /** `policy test` found nothing wrong with a policy but that it has expired. */
  expired: 7,
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const NOT_AUTHORISED: readonly ErrorCode[] = [
  'unauthenticated',
  'forbidden',
  'tokenExpired',
  'tokenUsed',
  'tokenUnknown',
  'nodeRevoked',
  'signatureInvalid',
];

export const exitCodeOf = (code: ErrorCode): ExitCode =>
  NOT_AUTHORISED.includes(code) ? EXIT.notAuthorised : EXIT.refused;
