import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Me } from '@openward/contracts';
import type { Request } from 'express';

/** A request after the guard: whoever it let in stands on it. */
export interface AuthorisedRequest extends Request {
  caller?: Me;
}

/** Who calls. Only on routes that want a token. */
export const Caller = createParamDecorator((_data: unknown, context: ExecutionContext): Me => {
  const { caller } = context.switchToHttp().getRequest<AuthorisedRequest>();
  if (caller === undefined) throw new Error('a route without a token has no caller');
  return caller;
});
