import { applyDecorators, HttpCode, SetMetadata } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiConsumes,
  ApiHeader,
  ApiOperation,
  ApiProduces,
  ApiResponse,
} from '@nestjs/swagger';
import { ErrorBody, IDEMPOTENCY_HEADER } from '@openward/contracts';
import type { z } from 'zod';
import type { Right } from './permissions.ts';

export const RIGHT = 'openward:right';
export const TAKES_AWAY = 'openward:takesAway';

export interface RouteSpec {
  /** One sentence, for the page of the interface. */
  readonly does: string;
  /** `public`: without a token, since the caller proves itself otherwise or nothing is told. */
  readonly right: Right | 'public';
  readonly status?: number;
  /** Schema of the answer; `frame` is a sealed frame, `events` a stream, `none` no body, `text` plain text. */
  readonly answers: z.ZodType | 'frame' | 'events' | 'none' | 'text';
  /** A creating POST: it carries an Idempotency-Key (R9). */
  readonly creates?: boolean;
  /** A creating POST that answers 200 with what is there already, where that is the same. */
  readonly mayBeThere?: true;
  readonly takes?: 'frame' | 'bytes';
  /** It only ever takes away from nodes, so it is done while the control plane is read-only (D6). */
  readonly takesAway?: true;
}

const BINARY = { schema: { type: 'string', format: 'binary' } } as const;

/** Everything that guard, status and OpenAPI document have to know of a route, said once. */
export function Route(spec: RouteSpec): MethodDecorator {
  const status = spec.status ?? 200;
  const decorators = [
    SetMetadata(RIGHT, spec.right),
    SetMetadata(TAKES_AWAY, spec.takesAway === true),
    HttpCode(status),
    ApiOperation({ summary: spec.does }),
    ApiResponse({ status: 'default', description: 'Refused', standardSchema: ErrorBody }),
    answerOf(spec.answers, status),
  ];
  if (spec.right !== 'public') decorators.push(ApiBearerAuth());
  if (spec.creates === true) {
    const description = 'A new one for each new thing; the same key and body give the first answer again';
    decorators.push(ApiHeader({ name: IDEMPOTENCY_HEADER, required: true, description }));
  }
  if (spec.mayBeThere === true) decorators.push(answerOf(spec.answers, 200));
  if (spec.takes !== undefined) decorators.push(ApiConsumes('application/octet-stream'), ApiBody(BINARY));
  if (spec.answers === 'frame') decorators.push(ApiProduces('application/octet-stream'));
  if (spec.answers === 'text') decorators.push(ApiProduces('text/plain'));
  if (spec.answers === 'events') decorators.push(ApiProduces('text/event-stream'));
  return applyDecorators(...decorators);
}

function answerOf(answers: RouteSpec['answers'], status: number): MethodDecorator {
  switch (answers) {
    case 'none':
      return ApiResponse({ status, description: 'Done' });
    case 'frame':
      return ApiResponse({ status, description: 'A sealed frame', ...BINARY });
    case 'events':
      return ApiResponse({ status, description: 'Server-sent events', schema: { type: 'string' } });
    case 'text':
      return ApiResponse({ status, description: 'Text', schema: { type: 'string' } });
    default:
      return ApiResponse({ status, description: 'Done', standardSchema: answers });
  }
}
