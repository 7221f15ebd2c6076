import { describe, expect, it } from 'vitest';
import { compareVersions, judgeServer, type ServerPosture } from './version-rules.ts';

const lab: ServerPosture = {
  listener: 'loopback',
  mutualTls: false,
  allowUnsafeVersion: false,
  durability: 'best-effort',
};
const open: ServerPosture = { ...lab, listener: 'public', durability: 'always' };
const outcome = (version: string, posture: ServerPosture): 'refused' | 'warned' | 'accepted' => {
  const judged = judgeServer(version, posture);
  if ('refused' in judged) return 'refused';
  return judged.warnings.length > 0 ? 'warned' : 'accepted';
};

describe('a public listener', () => {
  it.each([
    ['2.9.10', 'refused'],
    ['2.10.27', 'refused'],
    ['2.12.11', 'refused'],
    ['2.12.12', 'accepted'],
    ['2.13.9', 'refused'],
    ['2.14.2', 'refused'],
    ['2.14.3', 'accepted'],
    ['2.15.2', 'accepted'],
    ['3.0.0', 'accepted'],
    ['nonsense', 'refused'],
  ] as const)('on server %s is %s', (version, expected) => {
    expect(outcome(version, open)).toBe(expected);
  });

  it('takes an unsafe server only when clients show certificates and the operator says so', () => {
    expect(outcome('2.10.27', { ...open, mutualTls: true })).toBe('refused');
    expect(outcome('2.10.27', { ...open, allowUnsafeVersion: true })).toBe('refused');
    expect(outcome('2.10.27', { ...open, mutualTls: true, allowUnsafeVersion: true })).toBe('warned');
  });
});

describe('any listener', () => {
  it('refuses a server below the floor', () => {
    expect(judgeServer('2.9.9', lab)).toEqual({ refused: expect.stringContaining('install 2.9.10 or newer') });
  });

  it('refuses a server that cannot sync each write, unless the operator says what the store stands on', () => {
    expect(outcome('2.9.10', { ...lab, durability: 'always' })).toBe('refused');
    expect(outcome('2.9.10', { ...lab, durability: 'fs-sync' })).toBe('accepted');
    expect(outcome('2.9.10', { ...lab, durability: 'best-effort' })).toBe('warned');
  });

  it('warns on a private network where anyone in it could crash the server', () => {
    expect(outcome('2.10.27', { ...lab, listener: 'private', durability: 'always' })).toBe('warned');
  });
});

it('orders versions by number, not by letter', () => {
  const ordered = ['2.9.10', '2.10.2', '2.10.27', '2.15.0-RC.1', '2.15.1'];
  expect([...ordered].reverse().sort(compareVersions)).toEqual(ordered);
});
