import { expect, test } from 'vitest';

import { markOf, MOST_MARK_LENGTH } from './marks.ts';

const NORMAL = { control: false, unknown: false, userDefined: false };
const CONTROL = { ...NORMAL, control: true };
const USER_DEFINED = { ...NORMAL, userDefined: true };

test.for([
  ['<|im_start|>', CONTROL],
  ['[INST]', CONTROL],
  ['<unk>', { ...NORMAL, unknown: true }],
  ['<s>', CONTROL],
  ['<think>', USER_DEFINED],
  ['<|fim_prefix|>', USER_DEFINED],
  ['[@BOS@]', USER_DEFINED],
  ['<｜User｜>', USER_DEFINED],
] as const)('a token with a meaning of its own is a mark: %s', ([text, kind]) => {
  expect(markOf(text, kind)).toBe(text);
});

test.for([
  ['emergency', NORMAL],
  ['<|im_start|>', NORMAL],
  ['    ', USER_DEFINED],
  ['\n\n', USER_DEFINED],
  ['2024', USER_DEFINED],
  ['[1]', USER_DEFINED],
  ['hello', USER_DEFINED],
  ['<b>', USER_DEFINED],
  ['</table>', USER_DEFINED],
  ['|', CONTROL],
  ['', CONTROL],
] as const)('ordinary text, and what one letter has, is none: %j', ([text, kind]) => {
  expect(markOf(text, kind)).toBe(null);
});

test('a mark that is very long is told by its beginning', () => {
  expect(markOf(`<${'x'.repeat(1_000)}>`, CONTROL)).toHaveLength(MOST_MARK_LENGTH);
});
