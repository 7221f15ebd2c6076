import type { Log } from '@openward/contracts';

type Fields = Record<string, unknown> | undefined;

/** An error says nothing in JSON: its name, message, stack and causes are written instead. */
const legible = (fields: Fields): Fields =>
  fields?.['error'] instanceof Error ? { ...fields, error: partsOf(fields['error']) } : fields;

function partsOf(error: Error): Record<string, unknown> {
  const { name, message, stack, cause } = error;
  const code = 'code' in error ? { code: error.code } : {};
  return { name, message, ...code, stack, ...(cause instanceof Error ? { cause: partsOf(cause) } : {}) };
}

export const withErrors = (log: Log): Log => ({
  info: (event, fields) => log.info(event, legible(fields)),
  warn: (event, fields) => log.warn(event, legible(fields)),
  error: (event, fields) => log.error(event, legible(fields)),
});
