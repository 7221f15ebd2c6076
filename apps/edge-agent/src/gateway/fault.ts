import { Refusal, type Log } from '@openward/contracts';
import { refusalOf } from './answer.ts';

// What a log may say of an error that nobody expected. Its message could hold what somebody wrote, so it stands nowhere.

export interface Fault {
  readonly name: string;
  readonly code: string | null;
}

const CODE = /^[A-Za-z0-9_.-]{1,64}$/;

/** What broke a rule; `OverTime` where nothing did, and it took too long. */
export function faultOf(error: unknown): Fault {
  if (!(error instanceof Error)) return { name: error === undefined ? 'OverTime' : typeof error, code: null };
  const code = (error as { readonly code?: unknown }).code;
  return {
    name: CODE.test(error.name) ? error.name : 'Error',
    code: typeof code === 'string' && CODE.test(code) ? code : null,
  };
}

/** The refusal that a client sees. One that nobody expected is logged, under the reference that its message gives. */
export function toldRefusal(
  { log }: { readonly log: Log },
  { id, service }: { readonly id: string; readonly service: string },
  error: unknown,
): Refusal {
  const refusal = refusalOf(error);
  if (refusal === error || refusal.code !== 'internal') return refusal;
  log.error('gateway.failed', { reference: id, service, ...faultOf(error) });
  return new Refusal('internal', `${refusal.message} Its reference is ${id}.`, { cause: error });
}
