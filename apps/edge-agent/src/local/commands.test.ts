import type { CommandRefusal } from '@openward/activation';
import { expect, test } from 'vitest';
import { LocalCommand, settle } from './commands.ts';

const assignment = 'ro-abcdefgh.n1.1';

test('N2 a yes that names no release or no question is none', () => {
  const yes = { kind: 'accept', service: 'triage', assignment, question: 'prepare' };
  expect(LocalCommand.safeParse(yes).success).toBe(true);
  expect(LocalCommand.safeParse({ ...yes, assignment: undefined }).success).toBe(false);
  expect(LocalCommand.safeParse({ ...yes, question: undefined }).success).toBe(false);
  expect(LocalCommand.safeParse({ ...yes, question: 'acceptSuite' }).success).toBe(false);
  const waiver = { kind: 'acceptInconclusive', service: 'triage', reason: 'few cases' };
  expect(LocalCommand.safeParse(waiver).success).toBe(false);
  expect(LocalCommand.safeParse({ ...waiver, assignment }).success).toBe(true);
});

test.each<[CommandRefusal, string, string]>([
  ['otherAssignment', 'notWaiting', 'Another release waits now'],
  ['otherQuestion', 'notWaiting', 'Something else is asked'],
  ['waiverReasonMissing', 'badRequest', 'A waiver needs a reason'],
  ['reasonMissing', 'badRequest', 'A rejection needs a reason'],
])('the refusal %s says what was wrong', (why, code, message) => {
  expect(() => settle({ done: false, why })).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(message) as string }) as Error,
  );
});

const stands = { service: 'triage', serves: { number: 3 }, wayBack: 1 };
test.each<[CommandRefusal, string, string]>([
  ['anchorNotNamed', 'anchorNotNamed', 'openward node rollback triage --release 1'],
  ['otherWayBack', 'conflict', 'It would go back to release 1.'],
  ['nothingToGoBackTo', 'conflict', 'Release 3 is what it serves.'],
])('N5 a step back that is refused (%s) says what is here', (why, code, message) => {
  expect(() => settle({ done: false, why }, stands)).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(message) as string }) as Error,
  );
});
