import type { ArgumentsHost } from '@nestjs/common';
import { Unrecoverable } from '@openward/activation';
import { Refusal } from '@openward/contracts';
import { expect, test } from 'vitest';
import { RefusalFilter } from './refusal.filter.ts';

const SECRET = 'what a patient said';

function told(error: unknown) {
  const logged: { event: string; fields: unknown }[] = [];
  const log = {
    info() {},
    warn() {},
    error: (event: string, fields?: unknown) => void logged.push({ event, fields }),
  };
  let body: Record<string, unknown> = {};
  const response = { status: () => response, json: (given: Record<string, unknown>) => (body = given) };
  const host = { switchToHttp: () => ({ getResponse: () => response }) } as unknown as ArgumentsHost;
  new RefusalFilter(log).catch(error, host);
  return { body, logged };
}

test('what nobody expected is logged by name and code under the reference that is given, and never by its text', () => {
  const { body, logged } = told(Object.assign(new TypeError(SECRET), { code: 'SQLITE_FULL' }));
  expect(body).toMatchObject({ code: 'internal', reference: expect.stringMatching(/^[0-9a-f]{8}$/) as string });
  const fields = { reference: body['reference'], name: 'TypeError', code: 'SQLITE_FULL' };
  expect(logged).toEqual([{ event: 'local.failed', fields }]);
  expect(JSON.stringify([body, logged])).not.toContain(SECRET);
});

test('a refusal is told as it is, and nothing is logged', () => {
  const { body, logged } = told(new Refusal('notWaiting', 'No release waits.'));
  expect(body).toMatchObject({ code: 'notWaiting', message: 'No release waits.' });
  expect(body).not.toHaveProperty('reference');
  expect(told(new Unrecoverable('documentInvalid', 'the document is too long')).body).toMatchObject({
    code: 'offerUnreadable',
  });
  expect(logged).toEqual([]);
});
