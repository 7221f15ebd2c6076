import { expect, it } from 'vitest';
import { isBlankValue, isUsableValue } from './variable-value.ts';

it.each(['112', '+41 144', 'Notruf, wählen Sie 112', '१०८', '#', 'e\u0301'])('%j can be told to a clinic', (value) => {
  expect(isUsableValue(value)).toBe(true);
});

it.each(['', ' ', '\t', '\u00A0', '\u200B', '\u2060\uFEFF', '\u3164', '\u2800', '\u0301'])(
  '%j shows nothing, and stands for no number',
  (value) => {
    expect(isBlankValue(value)).toBe(true);
    expect(isUsableValue(value)).toBe(false);
  },
);

it.each(['11\n2', '112\r', '1\u00002', '112\u2028or', '112\u2029', '{{other}}', '1'.repeat(501)])(
  'a value that breaks its line, names a variable or is too long is none: %j',
  (value) => {
    expect(isUsableValue(value)).toBe(false);
  },
);
