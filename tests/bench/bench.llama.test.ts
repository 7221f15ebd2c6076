import { expect, test } from 'vitest';
import { benchGateway } from './gateway.ts';
import { readOptions } from './options.ts';
import { benchSwitch } from './release-switch.ts';

const options = readOptions(['--rounds', '1', '--seconds', '0.1']);

test('every target answers every request of both loads', async () => {
  const section = await benchGateway(null, options);
  expect(section.tables[0]!.rows.map(([target]) => target)).toContain('Openward gateway');
  expect(section.notes[0]).toContain(' 0 requests failed');
});

test('D9 a switch between two loaded releases, and the way back, drop no request', async () => {
  const { verdicts } = await benchSwitch(null, options);
  expect(verdicts.find(({ budget }) => budget === 'none')).toMatchObject({ held: true });
});
