import type { ErrorCode } from '@openward/contracts';
import { EXIT, exitCodeOf, type ExitCode } from './exit-codes.ts';
import { UsageError } from './usage-error.ts';
import { andMore, groupedByCode } from './views/grouped.ts';

/** What is told of any error: what happened and why, and what to do next. */
export interface ToldError {
  readonly exitCode: ExitCode;
  readonly code: ErrorCode | 'usage' | 'unreachable' | 'unknownReply' | 'unexpected';
  readonly message: string;
  readonly next: string;
  readonly details?: unknown;
  readonly reference?: string;
}

interface Refused extends Error {
  readonly code: ErrorCode;
  readonly next?: string;
  readonly details?: unknown;
  readonly reference?: string | undefined;
  toBody(): { readonly next: string };
}

/** By name, so that a command which needs no client does not load one to end with an error. */
export function tellError(error: unknown): ToldError {
  if (error instanceof UsageError)
    return { exitCode: EXIT.usage, code: 'usage', message: error.message, next: error.next };
  if (!(error instanceof Error)) return unexpected(String(error));
  if (isRefusal(error)) {
    const { code, message, details, reference } = error;
    return {
      exitCode: exitCodeOf(code),
      code,
      message,
      next: error.next ?? error.toBody().next,
      ...(details === undefined ? {} : { details }),
      ...(reference === undefined ? {} : { reference }),
    };
  }
  const next = 'next' in error ? String(error.next) : '';
  if (error.name === 'Unreachable')
    return { exitCode: EXIT.unreachable, code: 'unreachable', message: error.message, next };
  if (error.name === 'UnknownReply')
    return { exitCode: EXIT.refused, code: 'unknownReply', message: error.message, next };
  return unexpected(error.message);
}

const isRefusal = (error: Error): error is Refused => 'toBody' in error && 'code' in error;

const unexpected = (message: string): ToldError => ({
  exitCode: EXIT.refused,
  code: 'unexpected',
  message,
  next: 'Run it again with OPENWARD_DEBUG=1 to see where it comes from, and report it.',
});

const MOST_DETAILS = 20;

/** Lines for people. Details stand between the message and what to do, one a line. */
export function errorLines({ message, next, details, reference }: ToldError): string[] {
  return [
    `openward: ${message}`,
    ...detailLines(details).map((line) => `  ${line}`),
    ...(reference === undefined ? [] : [`  reference: ${reference}`]),
    ...(next === '' ? [] : [`  next: ${next}`]),
  ];
}

function detailLines(details: unknown): string[] {
  if (details === undefined || details === null) return [];
  const items: unknown[] = Array.isArray(details)
    ? details
    : typeof details === 'object'
      ? Object.entries(details).flatMap(([key, value]) =>
          Array.isArray(value) ? value.map((item) => ({ [key]: item as unknown })) : [{ [key]: value as unknown }],
        )
      : [details];
  if (items.length > 0 && items.every(isFinding)) return findingLines(items);
  const shown = items.slice(0, MOST_DETAILS).map(asLine);
  return items.length > MOST_DETAILS ? [...shown, `… and ${items.length - MOST_DETAILS} more`] : shown;
}

/** What was found wrong with a document: `code`, `where`, `message`. */
interface Finding {
  readonly code: string;
  readonly where: string;
  readonly message: string;
}

const isFinding = (item: unknown): item is Finding =>
  typeof item === 'object' && item !== null && 'code' in item && 'where' in item && 'message' in item;

const findingLines = (findings: readonly Finding[]): string[] =>
  groupedByCode(findings)
    .flatMap(({ code, first, more }) => [
      ...first.map(({ where, message }) => `${code} ${where}: ${message}`),
      andMore(code, more),
    ])
    .filter((line) => line !== '');

function asLine(item: unknown): string {
  if (typeof item !== 'object' || item === null) return String(item);
  return Object.entries(item)
    .map(([key, value]) => `${key}: ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join(', ');
}
