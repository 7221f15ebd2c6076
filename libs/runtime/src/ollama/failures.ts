import { RuntimeRefusal, type RuntimeRefusalCode } from '../refusal.ts';

/** What Ollama answered with in place of what was asked. */
export class OllamaError extends Error {
  override readonly name = 'OllamaError';
  readonly status: number;

  constructor(status: number, said: string) {
    super(said.slice(0, 400));
    this.status = status;
  }
}

const UNREACHABLE = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'UND_ERR_CONNECT_TIMEOUT']);
const CUT_OFF = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'ERR_STREAM_PREMATURE_CLOSE']);
const RUNNER_DIED =
  /runner.*(terminated|stopped|no longer running|not responding)|unexpected EOF|: EOF|connection reset/i;
const TOO_LONG = /exceeds? .*context|context (length|window)|prompt (is )?too long/i;

type During = 'load' | 'generate' | 'manage';

/** The refusal that tells what a failed call means. A message of Ollama's own is repeated only where no text was sent. */
export function refusalFor(cause: unknown, during: During): RuntimeRefusal {
  if (cause instanceof RuntimeRefusal) return cause;
  const code = codeOf(cause, during);
  const said = during === 'generate' ? '' : ` It says: ${messageOf(cause)}`;
  return new RuntimeRefusal(code, `${EXPLAINED[code] ?? 'Ollama could not do it; see its log.'}${said}`, { cause });
}

function codeOf(cause: unknown, during: During): RuntimeRefusalCode {
  const network = networkCode(cause);
  if (network !== undefined && UNREACHABLE.has(network)) return 'runtimeUnreachable';
  if (network !== undefined && CUT_OFF.has(network)) return 'runtimeExited';
  if (!(cause instanceof OllamaError)) return 'runtimeFailed';
  if (cause.status === 503) return 'queueFull';
  if (during === 'load') return 'modelNotLoadable';
  if (cause.status === 404) return 'modelNotLoaded';
  if (RUNNER_DIED.test(cause.message)) return 'runtimeExited';
  if (cause.status === 400 && during === 'generate')
    return TOO_LONG.test(cause.message) ? 'contextTooLong' : 'invalidRequest';
  return 'runtimeFailed';
}

const EXPLAINED: Partial<Record<RuntimeRefusalCode, string>> = {
  runtimeUnreachable: 'Ollama does not answer at its address; start it, or set runtime.urls.',
  runtimeExited: 'Ollama, or its process for this model, ended while it worked on this; ask again.',
  queueFull: 'Ollama has as many requests waiting as it takes; ask again later.',
  modelNotLoadable: 'Ollama cannot load this model.',
  modelNotLoaded: 'Ollama no longer has this model; load it again.',
  contextTooLong: 'The prompt is longer than the context; shorten it.',
  invalidRequest: 'Ollama does not take this request.',
};

function networkCode(cause: unknown): string | undefined {
  for (let at = cause; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') return at.code;
    if (at instanceof AggregateError && at.errors.length > 0) return networkCode(at.errors[0]);
  }
  return undefined;
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause)).slice(0, 400);
