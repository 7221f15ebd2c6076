import { digestOf, IDEMPOTENCY_HEADER, Refusal, type Me } from '@openward/contracts';
import { repositoriesOn, type Persistence, type Repositories } from '@openward/persistence';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { AuthorisedRequest } from './caller.ts';

/** One creating POST: whose, its key, and the digest of what it asks. */
export interface Creation {
  readonly by: Me;
  readonly key: string;
  readonly request: `sha256:${string}`;
}

const FORM = /^[!-~]{1,200}$/;

/** On every creating POST (R9). Refuses one without a key. */
export const Creating = createParamDecorator((_data: unknown, context: ExecutionContext): Creation => {
  const request = context.switchToHttp().getRequest<AuthorisedRequest>();
  const key = request.headers[IDEMPOTENCY_HEADER];
  if (typeof key !== 'string' || !FORM.test(key)) {
    throw new Refusal(
      'idempotencyMissing',
      'A request that creates something carries an Idempotency-Key of 1 to 200 characters.',
    );
  }
  if (request.caller === undefined) throw new Error('a creating route wants a token');
  const asked = digestOf({ method: request.method, path: request.path, body: request.body ?? null });
  return { by: request.caller, key: `${request.caller.name} ${key}`, request: asked as `sha256:${string}` };
});

/** Does it once, in one transaction with its answer, however often it is asked and of whichever replica. */
export async function once<T>(
  store: Persistence,
  creation: Creation,
  act: (repositories: Repositories) => Promise<T>,
): Promise<T> {
  const done = await store.idempotency.once(creation.key, creation.request, (trx) => act(repositoriesOn(trx)));
  if (done.kind === 'reused') {
    throw new Refusal('idempotencyReused', 'This Idempotency-Key was used before, with another request.');
  }
  return done.answer;
}
