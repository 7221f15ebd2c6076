import { describe, expect, it } from 'vitest';

import * as checks from './checksums.ts';

// Numbers that the issuers, or those who document them, publish as examples. None belongs to a person.
const PUBLISHED: readonly [string, (text: string) => boolean, readonly string[]][] = [
  ['Luhn: test cards of the schemes', checks.holdsLuhn, ['4111111111111111', '5555555555554444', '378282246310005']],
  ['Luhn: South African example', checks.holdsLuhn, ['8001015009087']],
  ['Luhn: Skatteverket’s example', checks.holdsLuhn, ['8112189876']],
  ['Verhoeff: 236 and its digit', checks.holdsVerhoeff, ['2363']],
  ['NHS: data dictionary’s example', checks.holdsNhs, ['9434765919', '9434765870']],
  ['NIR: INSEE’s example, and Corsica', checks.holdsNir, ['255081416802538']],
  ['BSN: test numbers', checks.holdsBsn, ['111222333', '123456782']],
  ['CPF: Receita’s example', checks.holdsCpf, ['11144477735', '52998224725']],
  ['DNI and NIE: the ministry’s examples', checks.holdsDni, ['12345678Z', 'X1234567L']],
  ['Steuer-ID: the office’s examples', checks.holdsSteuerId, ['86095742719', '47036892816']],
  ['KVNR: gematik’s examples', checks.holdsKvnr, ['A123456780']],
  ['PESEL: the ministry’s example', checks.holdsPesel, ['44051401359', '02070803628']],
  ['NIF: example', checks.holdsNif, ['123456789']],
  ['Belgium: examples before and after 2000', checks.holdsBelgian, ['85073003328', '17073003384']],
  ['Finland: the register’s example', checks.holdsHetu, ['131052-308T']],
  ['Italy: examples', checks.holdsCodiceFiscale, ['RSSMRA85T10A562S', 'MRTMTT25D09F205Z']],
];

describe('check digits', () => {
  it.each(PUBLISHED)('agree with published examples (%s)', (_, holds, numbers) => {
    expect(numbers.filter((number) => !holds(number))).toEqual([]);
  });

  it.each(PUBLISHED)('find each single digit that was mistyped in the check (%s)', (_, holds, numbers) => {
    for (const number of numbers) {
      const last = number.at(-1) ?? '';
      const others = /\d/.test(last) ? '0123456789' : 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
      for (const other of others) if (other !== last) expect(holds(number.slice(0, -1) + other)).toBe(false);
    }
  });

  it('refuse what agrees but is never given', () => {
    expect(checks.holdsCpf('11111111111')).toBe(false);
    expect(checks.holdsBsn('000000000')).toBe(false);
  });
});
