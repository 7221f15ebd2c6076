/**
 * Why a runtime did not do what it was asked.
 *
 * - `modelNotLoadable`: the file is broken, of another kind, or not what the request says it is
 * - `modelNotLoaded`: nothing is loaded under this key
 * - `contextTooLong`: the prompt does not fit beside the room it needs for a reply
 * - `invalidRequest`: the request itself cannot be served (a key, a number or a format out of range)
 * - `digestMismatch`: the runtime holds other bytes than those that were asked for
 * - `needsSwap`: this runtime cannot hold both sets at once; the other has to be unloaded first
 * - `queueFull`: as many requests wait as may wait
 * - `aborted`: the caller's signal said stop
 * - `runtimeUnreachable`: it does not answer, or cannot be started
 * - `runtimeUnsafeVersion`: its version is known to be unsafe, or is unknown
 * - `runtimeExited`: its process ended while it worked on this
 * - `runtimeFailed`: it answered with an error that none of the above names
 * - `closed`: this runtime was closed by its owner
 */
export type RuntimeRefusalCode =
  | 'modelNotLoadable'
  | 'modelNotLoaded'
  | 'contextTooLong'
  | 'invalidRequest'
  | 'digestMismatch'
  | 'needsSwap'
  | 'queueFull'
  | 'aborted'
  | 'runtimeUnreachable'
  | 'runtimeUnsafeVersion'
  | 'runtimeExited'
  | 'runtimeFailed'
  | 'closed';

/** The message says what happened and what to do; it never holds text of a prompt or of a reply. */
export class RuntimeRefusal extends Error {
  override readonly name = 'RuntimeRefusal';
  readonly code: RuntimeRefusalCode;

  constructor(code: RuntimeRefusalCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
