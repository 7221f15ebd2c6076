import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { digestOfBytes, Refusal, type Me } from '@openward/contracts';
import { CONTEXT, type Context } from '../process/context.ts';
import type { AuthorisedRequest } from './caller.ts';
import { mayDo, type Right } from './permissions.ts';
import { RIGHT, TAKES_AWAY } from './route.ts';

/** Bearer tokens, of which the database has digests only. A route that names no right is refused to everyone. */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    @Inject(CONTEXT) private readonly context: Context,
    @Inject(Reflector) private readonly reflector: Reflector,
  ) {}

  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const right = this.reflector.get<Right | 'public' | undefined>(RIGHT, execution.getHandler());
    if (right === 'public') return true;
    const request = execution.switchToHttp().getRequest<AuthorisedRequest>();
    const caller = await identify(this.context, request.headers.authorization);
    if (right === undefined || !mayDo(caller.role, right)) {
      throw new Refusal(
        'forbidden',
        `The token ${caller.name} is of the role ${caller.role}, without ${right ?? 'any right here'}.`,
      );
    }
    const takesAway = this.reflector.get<boolean | undefined>(TAKES_AWAY, execution.getHandler()) === true;
    if (WAITS_FOR_EPOCH.includes(right) && !takesAway) await refuseWhileReadOnly(this.context);
    request.caller = caller;
    return true;
  }
}

/** D6: what was made anew here while older state is held could be something else under the same name or number. */
const WAITS_FOR_EPOCH: readonly Right[] = ['sites:write', 'registry:write', 'rollouts:write'];

async function refuseWhileReadOnly({ store }: Context): Promise<void> {
  const { readOnly } = await store.network.read();
  if (readOnly === null) return;
  throw new Refusal(
    'readOnly',
    `The control plane is read-only since ${readOnly.since}: ${readOnly.cause.node} has seen newer state.`,
  );
}

const FORM = /^Bearer ([!-~]{16,512})$/i;

export async function identify({ store }: Context, authorization: string | undefined): Promise<Me> {
  const token = FORM.exec(authorization ?? '')?.[1];
  if (token === undefined) throw new Refusal('unauthenticated', 'The request carries no access token.');
  const caller = await store.accessTokens.find(digestOfBytes(token));
  if (caller === null) throw new Refusal('unauthenticated', 'The access token is unknown, expired or revoked.');
  return caller;
}
