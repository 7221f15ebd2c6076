import { pino, type DestinationStream, type Logger } from 'pino';
import type { Log } from '@openward/contracts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/**
 * Names of fields that never reach a log line, whatever their depth of two. A second fence only: nothing may hand a prompt, a
 * reply or a key to a logger in the first place.
 */
const NEVER_LOGGED = [
  'prompt',
  'messages',
  'content',
  'reply',
  'text',
  'authorization',
  'token',
  'secret',
  'seed',
  'jwt',
];

export function createLogger(options: {
  readonly name: string;
  readonly level: LogLevel;
  readonly destination?: DestinationStream;
}): Logger {
  return pino(
    {
      name: options.name,
      level: options.level,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: NEVER_LOGGED.flatMap((field) => [field, `*.${field}`]), remove: true },
    },
    options.destination ?? pino.destination({ dest: 1, sync: false }),
  );
}

type Fields = Record<string, unknown> | undefined;

/** An error says nothing in JSON: its name, message, stack and causes are written instead. */
const legible = (fields: Fields): Record<string, unknown> =>
  fields?.['error'] instanceof Error ? { ...fields, error: partsOf(fields['error']) } : (fields ?? {});

function partsOf(error: Error): Record<string, unknown> {
  const { name, message, stack, cause } = error;
  const code = 'code' in error ? { code: error.code } : {};
  return { name, message, ...code, stack, ...(cause instanceof Error ? { cause: partsOf(cause) } : {}) };
}

/** The port that drivers log through: an event's name and fields. */
export const asLog = (logger: Logger): Log => ({
  info: (event, fields) => logger.info(legible(fields), event),
  warn: (event, fields) => logger.warn(legible(fields), event),
  error: (event, fields) => logger.error(legible(fields), event),
});
