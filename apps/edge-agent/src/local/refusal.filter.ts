import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { Refusal, type ErrorCode } from '@openward/contracts';
import type { Response } from 'express';

/** One place where a refusal becomes a status. */
@Catch()
export class RefusalFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const refusal = asRefusal(error);
    host.switchToHttp().getResponse<Response>().status(refusal.status).json(refusal.toBody());
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
  return new Refusal('internal', error instanceof Error ? error.message : 'Something unexpected went wrong.', {
    cause: error,
  });
}
