import { describe, expect, it } from 'vitest';
import { planRequestOf } from './commands/plan-request.ts';
import {
  parseBytes,
  parseCount,
  parseDuration,
  parseHash,
  parseLabels,
  parseRate,
  parseRollout,
  parseSelector,
  parseUntil,
  parseVersioned,
  parseWave,
} from './parse.ts';
import { UsageError } from './usage-error.ts';

describe('what stands on a command line', () => {
  it('selects by labels, each of which has one of its values', () => {
    expect(parseSelector(['tier=district,primary', 'region=north'])).toEqual({
      tier: ['district', 'primary'],
      region: ['north'],
    });
    expect(parseLabels(['region=north'])).toEqual({ region: 'north' });
    expect(() => parseSelector(['tier'])).toThrow(UsageError);
  });

  it.each([
    ['rest', { by: 'rest' }],
    ['sites:a,b', { by: 'sites', sites: ['a', 'b'] }],
    ['labels:tier=district;region=north', { by: 'labels', labels: { tier: ['district'], region: ['north'] } }],
    ['count:2', { by: 'count', count: 2 }],
    ['percent:12.5', { by: 'percent', percent: 12.5 }],
  ])('names the wave %s', (text, wave) => {
    expect(parseWave(text)).toEqual(wave);
  });

  it.each(['', 'all', 'rest:1', 'count:', 'count:two', 'sites'])('refuses the wave %j', (text) => {
    expect(() => parseWave(text)).toThrow(UsageError);
  });

  it('reads lengths of time, sizes and rates with their units', () => {
    expect(parseDuration('12s', '--soak')).toBe(12_000);
    expect(parseDuration('1.5h', '--soak')).toBe(5_400_000);
    expect(parseBytes('256MiB', '--memory')).toBe(268_435_456);
    expect(parseBytes('4GB', '--memory')).toBe(4_000_000_000);
    expect(parseBytes('17', '--memory')).toBe(17);
    expect(parseRate('4Mbit')).toBe(500_000);
    expect(parseRate('1.5MB')).toBe(1_500_000);
  });

  it.each(['12', '-1s', '1 week', ''])('refuses the length of time %j', (text) => {
    expect(() => parseDuration(text, '--soak')).toThrow(UsageError);
  });

  it('defers to a time that is to come, and whose zone is said', () => {
    const now = Date.parse('2026-03-01T12:00:00Z');
    expect(parseUntil('+2h', now)).toBe(now + 7_200_000);
    expect(parseUntil('2026-03-01T16:00+03:00', now)).toBe(now + 3_600_000);
    expect(() => parseUntil('2026-03-01T11:00Z', now)).toThrow('past');
    expect(() => parseUntil('2026-03-02', now)).toThrow('no instant');
    expect(() => parseUntil('2026-03-02T08:00', now)).toThrow('no instant');
  });

  it.each<[string, () => unknown, RegExp]>([
    ['an id of a rollout', () => parseRollout('1'), /such as ro-/],
    ['a hash', () => parseHash('sha256:ab', '--approve'), /64 lower-case hexadecimal digits/],
    ['a limit', () => parseCount('many', '--limit'), /like --limit 20/],
    ['a count', () => parseCount('0', '--days'), /like --days 20/],
  ])('refuses %s that is none, and shows one', (_what, parse, next) => {
    expect(parse).toThrow(UsageError);
    try {
      parse();
    } catch (error) {
      expect((error as UsageError).next).toMatch(next);
    }
  });

  it('names a version of a model', () => {
    expect(parseVersioned('triage@1.2', '--base')).toEqual({ name: 'triage', version: '1.2' });
    expect(() => parseVersioned('triage', '--base')).toThrow(UsageError);
  });
});

describe('the request for a plan', () => {
  const stdin = (text: string) => ({ readStdin: () => Promise.resolve(text) });

  it('is a file, and options go before what stands in it', async () => {
    const file = {
      service: 'triage',
      release: 1,
      settings: { seed: 7, tolerated: 1, soak: { soakMs: 5, restarts: 9 } },
    };
    const options = { release: '2', wave: ['count:1', 'rest'], tolerated: '0', soak: '2s', prefetch: true };
    expect(await planRequestOf('-', options, stdin(JSON.stringify(file)))).toMatchObject({
      service: 'triage',
      release: 2,
      waves: [{ by: 'count', count: 1 }, { by: 'rest' }],
      settings: { seed: 7, tolerated: 0, soak: { soakMs: 2000, restarts: 9 } },
    });
  });

  it('leaves to the control plane what is not given', async () => {
    const options = { service: 'triage', release: '1', wave: [], select: [], prefetch: true };
    expect(await planRequestOf(undefined, options, stdin(''))).toEqual({ service: 'triage', release: 1 });
  });

  it('says which release', async () => {
    await expect(planRequestOf(undefined, { service: 'triage' }, stdin(''))).rejects.toThrow('Which release');
    await expect(planRequestOf('-', {}, stdin('[]'))).rejects.toThrow(UsageError);
    await expect(planRequestOf('-', {}, stdin('{'))).rejects.toThrow('is not JSON');
  });
});
