import { randomBytes } from 'node:crypto';
import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { Unrecoverable } from '@openward/activation';
import { Refusal, type ErrorCode, type Log } from '@openward/contracts';
import type { Response } from 'express';
import { faultOf } from '../gateway/fault.ts';

/** One place where a refusal becomes a status. What nobody expected is logged, and told by a reference only. */
@Catch()
export class RefusalFilter implements ExceptionFilter {
  constructor(private readonly log: Log) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const refusal = asRefusal(error);
    const reference = refusal.code === 'internal' ? randomBytes(4).toString('hex') : undefined;
    if (reference !== undefined) this.log.error('local.failed', { reference, ...faultOf(error) });
    host.switchToHttp().getResponse<Response>().status(refusal.status).json(refusal.toBody(reference));
  }
}

const CODES: Readonly<Record<number, ErrorCode>> = { 404: 'notFound', 413: 'bodyTooLarge' };

function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof HttpException) {
    const response = error.getResponse();
    const message = typeof response === 'object' && 'message' in response ? String(response.message) : error.message;
    return new Refusal(CODES[error.getStatus()] ?? 'badRequest', message, { cause: error });
  }
  // Of a document that is here and is not what it should be: its digest and its size, and nothing that anybody wrote.
  if (error instanceof Unrecoverable) return new Refusal('offerUnreadable', `${error.message}.`, { cause: error });
  return new Refusal('internal', 'Something went wrong that should not have.', { cause: error });
}
