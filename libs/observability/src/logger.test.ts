import { expect, test } from 'vitest';
import { asLog, createLogger } from './logger.ts';

test('a line of the log is JSON with an event, and never carries a field that could hold text of an application', () => {
  const lines: string[] = [];
  const logger = createLogger({ name: 'x', level: 'debug', destination: { write: (line) => void lines.push(line) } });
  logger.info(
    { service: 'triage', prompt: 'chest pain', request: { messages: ['chest pain'], status: 200 } },
    'answered',
  );
  expect(lines.join('')).not.toContain('chest pain');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ msg: 'answered', service: 'triage', request: { status: 200 } });
});

test('an error is written with its message, code and cause, which JSON alone would drop', () => {
  const lines: string[] = [];
  const log = asLog(
    createLogger({ name: 'x', level: 'info', destination: { write: (line) => void lines.push(line) } }),
  );
  const error = Object.assign(new Error('the disk is full', { cause: new Error('ENOSPC') }), { code: 'diskFull' });
  log.error('journal.lost', { error });
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    msg: 'journal.lost',
    error: { message: 'the disk is full', code: 'diskFull', cause: { message: 'ENOSPC' } },
  });
});
