import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { AssignmentStatus } from './report.ts';
import { CreateRelease } from './rest/registry.ts';
import { wordsOfIssue } from './issue-words.ts';
import { PlanRequest, StartRequest } from './rollout.ts';
import { Instant, Name, RolloutId } from './ids.ts';

/** Each field that is wrong, with what is said of it. */
function said(schema: z.ZodType, value: unknown): string[] {
  const { error } = schema.safeParse(value);
  return (error?.issues ?? []).map((issue) => `${issue.path.join('.')} ${wordsOfIssue(issue)}`.trim());
}

const RELEASE = {
  service: 'triage',
  model: { name: 'nano', version: '1' },
  policy: { id: 'plain', revision: 1 },
  parameters: { temperature: 0, maxTokens: 4 },
  suite: { name: 'safety', version: 1 },
};

describe('what is wrong with a field', () => {
  it.each<[string, z.ZodType, unknown, RegExp]>([
    ['an id', RolloutId, 'nonsense', /as `openward rollouts list` names it, such as ro-/],
    ['a name', Name, 'Lake Side', /lower-case letters, digits and hyphens.* such as lakeside-1/],
    ['a day', z.iso.date(), '31.1.2027', /^is a day, such as 2027-01-31$/],
    ['an address', z.url(), 'here', /^is an address with its scheme, such as http:/],
    ['a time', Instant, '31.1.2027', /a day and a time in UTC.* such as 2027-01-31T08:00:00Z/],
    [
      'an approved hash',
      StartRequest,
      { plan: { service: 'a', release: 1 }, approvedHash: 'abc' },
      /^approvedHash is a whole digest/,
    ],
    [
      'a field that is missing',
      CreateRelease,
      { ...RELEASE, service: undefined },
      /^service is missing: it is a text, such as/,
    ],
    ['another type', PlanRequest, { service: 'a', release: 'two' }, /^release is a (whole )?number, such as 1$/],
    ['too little', PlanRequest, { service: 'a', release: 0 }, /^release is at least 1, such as 1$/],
    ['a share', PlanRequest, { service: 'a', release: 1, settings: { quorum: 2 } }, /^settings.quorum is at most 1/],
    ['an unknown field', PlanRequest, { service: 'a', release: 1, wavez: [] }, /^has no field wavez/],
    [
      'an unknown kind',
      PlanRequest,
      { service: 'a', release: 1, waves: [{ by: 'moon' }] },
      /^waves.0.by is one of sites, labels, count, percent, rest$/,
    ],
    ['a word of a list', CreateRelease, { ...RELEASE, change: 'big' }, /^change is one of policyText, policyRule/],
  ])('%s is told by what may stand there', (_what, schema, value, words) => {
    const lines = said(schema, value);
    expect(lines.filter((line) => words.test(line))).toHaveLength(1);
    expect(lines.filter((line) => /Invalid|expected|pattern|Unrecognized|>=|<=|\/\^/.test(line))).toEqual([]);
  });

  it('is said of everything in a report too', () => {
    const lines = said(AssignmentStatus, { step: 'nowhere', restarts: 99, gate: { verdict: 1 } });
    expect(lines.length).toBeGreaterThan(4);
    expect(lines.filter((line) => /Invalid|expected|Unrecognized/.test(line))).toEqual([]);
  });
});
