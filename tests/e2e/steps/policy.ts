import {
  digestOf,
  plainPolicy,
  type PolicyRule,
  type PolicyTest,
  type PromptPolicy,
  type ReasonCode,
} from '@openward/contracts';
import { MODEL } from '@openward/demo/harness';
import { expect } from 'vitest';
import { siteIn, type Step } from '../fixture.ts';
import { statusOf } from './hospital.ts';
import { inDatabase } from './rest.ts';

// Prompt policies as an author would write them, and as somebody would who means harm.

const TODAY = '2026-03-01';
/** Either variant of the demo’s model has more bytes than this. */
const WEIGHTS = 300_000;

export const ruleOf = (given: Pick<PolicyRule, 'id' | 'match' | 'action'> & Partial<PolicyRule>): PolicyRule => ({
  description: `What ${given.id} is for.`,
  stage: 'input',
  mode: 'enforce',
  timeLimitMs: 1_000,
  ...given,
});

/** A question and a reply, and what the policy makes of them; by default nothing. */
export const example = (
  rule: string,
  {
    said = 'A cough.',
    reply = 'routine',
    ...expected
  }: { readonly said?: string; readonly reply?: string } & Partial<PolicyTest['expect']> = {},
): PolicyTest => ({
  name: `${rule}: ${said} ${reply}`,
  rule,
  language: 'en',
  messages: [{ role: 'user', content: said }],
  reply,
  cuts: [],
  today: TODAY,
  expect: { action: 'none', rules: [], text: reply, asked: null, ...expected },
});

/** The system prompt is the demo's own, so that the model answers as it was trained to. */
export const policyOf = (id: string, given: Partial<PromptPolicy>): PromptPolicy => ({
  ...plainPolicy(MODEL.system, { id }),
  ...given,
});

/** What `ask` says to a clinic's service is a red flag under this policy; the site may give its own number. */
export const escalating = (
  id: string,
  { now = 'first', ...given }: Partial<PromptPolicy> & { readonly now?: string } = {},
): PromptPolicy =>
  policyOf(id, {
    variables: [{ name: 'emergencyNumber', description: 'The number to call.', default: '112', setBySite: true }],
    texts: { call: { en: `Call {{emergencyNumber}} ${now}.` } },
    rules: [
      ruleOf({
        id: 'speech',
        match: { kind: 'topic', phrases: { en: ['slurred speech'] } },
        action: { does: 'escalate', text: 'call' },
      }),
    ],
    tests: [
      example('speech', {
        said: 'He has slurred speech.',
        action: 'escalate',
        rules: ['speech'],
        text: `Call 112 ${now}.\n\nroutine`,
      }),
      example('speech'),
    ],
    ...given,
  });

/** Record numbers are hidden from the model; one of its tests says that a dose of seven figures is none. */
export const hidingRecordNumbers = (id: string, given: Partial<PromptPolicy> = {}): PromptPolicy =>
  policyOf(id, {
    rules: [
      ruleOf({
        id: 'record-numbers',
        match: { kind: 'identifier', identifier: 'recordNumber' },
        action: { does: 'redact', marker: '[record number]' },
      }),
    ],
    tests: [example('record-numbers', { said: 'Given 1200000 units of penicillin at noon.' })],
    ...given,
  });

/** One word of a routine reply is rewritten, in a window or by a rule that holds the whole reply back. */
export const rewriting = (id: string, way: 'window' | 'buffer', given: Partial<PromptPolicy> = {}): PromptPolicy =>
  policyOf(id, {
    texts: { end: { en: 'This is no diagnosis.' } },
    disclaimer: 'end',
    rules: [
      ruleOf({
        id: 'word',
        stage: 'output',
        match: { kind: 'regex', pattern: way === 'window' ? 'outi' : 'outi.*', ignoreCase: false },
        action: { does: 'redact', marker: '[x]' },
      }),
    ],
    tests: [
      example('word', {
        action: 'redact',
        rules: ['word'],
        text: `r[x]${way === 'window' ? 'ne' : ''}\n\nThis is no diagnosis.`,
      }),
      example('word', { reply: 'emergency', text: 'emergency\n\nThis is no diagnosis.' }),
    ],
    ...given,
  });

/** What a push refuses, and the reason by which a node that gets it all the same ends the attempt. */
export function hostilePolicies(id: string): readonly { readonly policy: PromptPolicy; readonly reason: ReasonCode }[] {
  const [sound] = escalating(id).rules;
  const [variable] = escalating(id).variables;
  if (sound === undefined || variable === undefined) throw new Error('the sound policy has a rule and a variable');
  const many = (rules: number) => ({ rules: Array.from({ length: rules }, (_, at) => ({ ...sound, id: `r${at}` })) });
  const pattern = '((slurred speech){1000}){1000}';
  let schema: Record<string, unknown> = { type: 'string' };
  for (let depth = 0; depth < 9; depth += 1) schema = { type: 'object', properties: { a: schema, b: schema } };
  const made: readonly (Partial<PromptPolicy> & { readonly reason?: ReasonCode })[] = [
    { rules: [{ ...sound, match: { kind: 'regex', pattern, ignoreCase: true } }] },
    { variables: [{ ...variable, default: '{{emergencyNumber}}{{emergencyNumber}}' }] },
    { rules: [sound, { ...sound, id: 'form', stage: 'output', match: { kind: 'schema', schema } }] },
    many(501),
    { ...many(10_000), reason: 'documentInvalid' },
    // Not the system prompt: a release whose prompt no model could read is refused where it is made.
    { texts: { call: { en: 'x'.repeat(10_000_000) } }, reason: 'documentInvalid' },
  ];
  return made.map(({ reason = 'policyInvalid', ...given }, at) => ({
    reason,
    policy: escalating(id, { ...given, revision: at + 2 }),
  }));
}

/**
 * The policy is in the network's database, which nobody pushed there: what somebody can do who holds the control plane. Its digest
 * is right.
 */
export const slippedIn =
  (policy: PromptPolicy): Step =>
  (world) =>
    inDatabase(
      world,
      `with named as (
         insert into policies (id, newest) values ($1, $2) on conflict (id) do update set newest = excluded.newest
       )
       insert into policy_revisions (id, revision, digest, document, created_by) values ($1, $2, $3, $4, 'nobody')`,
      [policy.id, policy.revision, digestOf(policy), JSON.stringify(policy)],
    );

/** What a hospital has loaded and fetched from one moment on. */
export function meterOf(name: string) {
  let before = { loads: {} as Readonly<Record<string, number>>, bytes: 0 };
  return {
    reads: (): Step => async (world) => {
      const { modelLoads, fetchedBytes } = await statusOf(world, name);
      before = { loads: modelLoads, bytes: fetchedBytes };
    },
    showsNoLoad: (): Step => async (world) => {
      expect((await statusOf(world, name)).modelLoads).toEqual(before.loads);
    },
    /** Documents and their lists alone. */
    showsNoWeights: (): Step => async (world) => {
      expect((await statusOf(world, name)).fetchedBytes - before.bytes).toBeLessThan(WEIGHTS);
    },
  };
}

/** Each file was loaded once since the agent's start: for a start itself, and for nothing besides. */
export const loadedEachOnce =
  (name: string): Step =>
  async (world) => {
    const { modelLoads } = await statusOf(world, name);
    expect(new Set(Object.values(modelLoads))).toEqual(new Set([1]));
  };

/** What hospital IT sets for every policy there. */
export const sets =
  (name: string, change: Readonly<Record<string, unknown>>): Step =>
  (world) =>
    siteIn(world, name).local('POST', '/policy', change);

export interface CountedHit {
  readonly rule: string | null;
  readonly mode: string;
  readonly stage: string;
  readonly action: string;
  readonly count: number;
}
