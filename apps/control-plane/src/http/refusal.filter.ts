import { randomBytes } from 'node:crypto';
import { Catch, HttpException, Inject, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { API, Refusal, type ErrorCode } from '@openward/contracts';
import type { Response } from 'express';
import { CONTEXT, type Context } from '../process/context.ts';

const OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: 'badRequest',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'notFound',
  405: 'notFound',
  409: 'conflict',
  413: 'bodyTooLarge',
};

/** Every refusal becomes its status and `ErrorBody`. What nobody expected is told by a reference only; its text is in the log. */
@Catch()
export class RefusalFilter implements ExceptionFilter {
  constructor(@Inject(CONTEXT) private readonly context: Context) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<Response>();
    const refusal = refusalOf(thrown);
    const isUnexpected = refusal.status === 500;
    const reference = isUnexpected ? randomBytes(4).toString('hex') : undefined;
    if (isUnexpected) this.context.log.error('a request failed', { reference, error: thrown });
    if (response.headersSent) {
      response.destroy();
      return;
    }
    // What is left of a body that was refused half-way is not read: the connection ends with the answer.
    if (refusal.code === 'bodyTooLarge' || refusal.code === 'bodyTooSlow') response.setHeader('connection', 'close');
    if (refusal.code === 'unauthenticated') response.setHeader('www-authenticate', 'Bearer');
    response.status(refusal.status).json(refusal.toBody(reference));
  }
}

function refusalOf(thrown: unknown): Refusal {
  if (thrown instanceof Refusal) return thrown;
  if (thrown instanceof HttpException) {
    const code = OF_STATUS[thrown.getStatus()];
    if (code === 'notFound')
      return new Refusal(
        'notFound',
        `There is nothing at this address. ${API}/docs shows every address that there is.`,
      );
    if (code !== undefined) return new Refusal(code, thrown.message);
  }
  if (isPoolExhausted(thrown)) return new Refusal('busy', 'The database did not answer in time.');
  return new Refusal('internal', 'Something went wrong that should not have.', { cause: thrown });
}

/** The pool waited for a connection, or the database refused one: the same request may succeed shortly. */
const isPoolExhausted = (thrown: unknown): boolean =>
  thrown instanceof Error &&
  (/timeout exceeded when trying to connect/.test(thrown.message) ||
    ('code' in thrown && ['ECONNREFUSED', '57P03', '53300'].includes(String(thrown.code))));
