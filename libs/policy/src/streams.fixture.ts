import type { PolicyRule } from '@openward/contracts';
import fc from 'fast-check';
import { compilePolicy } from './compile.ts';
import { fold } from './fold.ts';
import { placed } from './marks.ts';
import type { CompiledPolicy, InputDecision } from './model.ts';
import { compileRules } from './rules.ts';
import { policyOf, redact, regex, ruleOf } from './testing.ts';

// For any way of cutting a reply into pieces, the client receives what the whole reply would have given. What that is, is said here
// a second time, in the plainest way: every rule over the whole text, then each unit of it hidden or not.

export const TERMS = { recordNumber: 'MRN-?\\d{6}', variables: {} };
const TODAY = '2026-03-01';
const now = (): number => 0;

export interface Plan {
  readonly rules: readonly PolicyRule[];
  readonly replies: number;
  /** Ways of cutting, for each reply. */
  readonly ways: number;
  /** What the rules find, to be among what replies are made of. */
  readonly samples?: readonly string[];
}

interface Outcome {
  readonly text: string;
  readonly hits: string;
  readonly finishReason: string;
  readonly action: string;
}

export interface Held {
  /** Of a reply and a way of cutting it. */
  readonly pairs: number;
  readonly repliesWithHits: number;
}

/** Holds the claim for so many replies; throws with the smallest that breaks it. */
export function checkStreams({ rules, replies, ways, samples = [] }: Plan, seed: number): Held {
  let repliesWithHits = 0;
  const policy = compile(rules);
  const input = policy.applyInput({ turns: [], language: 'en', today: TODAY }, now) as InputDecision & { kind: 'go' };
  const held = policy.stream.kind === 'window' ? policy.stream.heldBack : policy.stream.kind === 'pass' ? 0 : Infinity;
  const expectedOf = plainly(rules);
  const property = fc.property(
    replyOf(samples),
    fc.array(fc.noBias(fc.nat()), { minLength: ways, maxLength: ways }),
    (text, seeds) => {
      const { body: _, beside: _beside, ...whole } = policy.applyReply(input, text, 'stop', now);
      const expected = { ...whole, hits: JSON.stringify(whole.hits) };
      same(expected, { ...expected, ...expectedOf(text) }, 'whole', text, []);
      if (whole.hits.length > 0) repliesWithHits += 1;
      for (const way of seeds) {
        const cuts = cutsOf(text, way);
        same(
          streamed(policy, input, text, cuts, whole.hits.length > 0 ? Infinity : held),
          expected,
          'in pieces',
          text,
          cuts,
        );
      }
    },
  );
  fc.assert(property, { seed, numRuns: replies });
  return { pairs: replies * ways, repliesWithHits };
}

function compile(rules: readonly PolicyRule[]): CompiledPolicy {
  const compiling = compilePolicy(policyOf(rules), TERMS);
  if (compiling.kind === 'refused') throw new Error(JSON.stringify(compiling.findings));
  return compiling.compiled;
}

function same(found: Outcome, expected: Outcome, how: string, text: string, cuts: readonly number[]): void {
  if (
    JSON.stringify(found, Object.keys(expected).toSorted()) ===
    JSON.stringify(expected, Object.keys(expected).toSorted())
  )
    return;
  const what = JSON.stringify({ text, cuts, found, expected }, null, 1);
  throw new Error(`${how}: ${what}`);
}

function streamed(
  policy: CompiledPolicy,
  input: InputDecision & { kind: 'go' },
  text: string,
  cuts: readonly number[],
  held: number,
): Outcome {
  const filter = policy.openReply(input, now);
  let out = '';
  let at = 0;
  for (const cut of cuts) {
    out += filter.push(text.slice(at, cut));
    at = cut;
    // Where nothing is hidden, what was given is the text itself, up to what is held back.
    if (
      held < Infinity &&
      fold(text.slice(out.length, at), { today: TODAY, language: 'en' }).folded.length > held + SLACK
    ) {
      throw new Error(`more than ${held} held back: ${JSON.stringify({ text, cuts, at, out })}`);
    }
  }
  out += filter.push(text.slice(at));
  const { text: rest, finishReason, hits, action } = filter.end('stop');
  return { text: out + rest, finishReason, action, hits: JSON.stringify(hits) };
}

/** Of one code point that is read as up to 18. */
const SLACK = 18;

/** The reply under rules that redact or replace, unit by unit. */
function plainly(rules: readonly PolicyRule[]): (text: string) => Pick<Outcome, 'text'> {
  const ready = compileRules(policyOf(rules), TERMS).rules;
  return (text) => {
    const spans = ready
      .flatMap((rule) => {
        if (rule.kind !== 'finder') throw new Error('rules of spans alone');
        return rule.finder.find(fold(text, { today: TODAY, language: 'en' })).map((span) => placed(rule, span));
      })
      .toSorted((one, other) => one.start - other.start || one.order - other.order);
    const isHidden = Array.from({ length: text.length }, () => false);
    const puts = new Map<number, string>();
    for (const { start, end, put } of spans) {
      if (isHidden[start] === false) puts.set(start, put);
      isHidden.fill(true, start, end);
    }
    return { text: Array.from(isHidden, (hidden, at) => (puts.get(at) ?? '') + (hidden ? '' : text[at])).join('') };
  };
}

/** One way of cutting: a few pieces, or many, or each unit by itself. */
function cutsOf(text: string, way: number): number[] {
  let state = way | 1;
  const next = (below: number): number => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    return ((state ^ (state >>> 13)) >>> 0) % below;
  };
  if (way % 13 === 0) return Array.from({ length: text.length }, (_, at) => at);
  const cuts = Array.from({ length: next(way % 3 === 0 ? 16 : 5) }, () => next(text.length + 1));
  return cuts.toSorted((one, other) => one - other);
}

// What rules find, parts of it, and what could stand in the way: marks of no width, halves of characters, letters that are others.
// prettier-ignore
const PARTS = [
  'a', 'b', 'c', 'ab', 'abc', 'aa', ' ', '  ', '.', '-', '\n', 'A', 'B', '1', '12', '0', 'é', 'e\u0301', 'ß', 'x',
  '\u200B', '\u00AD', '\uFE0F', '\u0301', '\uD83D', '\uDE00', '😀', 'ﷺ', '㎎', 'а', 'Ｂ', '𝖺', 'ﬁ', '½', '…', '１',
  'chest pain', 'chest', ' pain', 'self-harm', 'overdose', 'warfarin 5 mg', '5 mg', '120/80 mmHg', '#stop',
  'jo.b+x@clinic', '@', '.example.org', 'mail a@b.org', '@c.de', '+44 20 7946 0958', 'call 020 7946 ', '0958',
  '(555) 010-9999', '4111 1111 ', '1111 1111', '4111111111111111', 'born 12 March 1961', 'DOB: 1961-03-12',
  'date of birth ', '12.03.1961', 'NHS 943 476 5919', '9434765919', 'nhs number ', '123-45-6789', 'SSN ',
  'MRN-123456', 'MRN', '-654321', 'ward 12', 'ward', 'https://clinic.example/', 'Increase your dose to ',
  'stop taking', ' your ', 'You have ', 'I am a doctor', 'Dr. Lee',
];
const replyOf = (samples: readonly string[]): fc.Arbitrary<string> => {
  const part = fc.constantFrom(...PARTS);
  const sample = samples.length > 0 ? fc.constantFrom(...samples) : part;
  const either = fc.oneof({ weight: 8, arbitrary: part }, { weight: 1, arbitrary: sample });
  return fc.array(either, { maxLength: 24 }).map((parts) => parts.join(''));
};

/** Rules from a small grammar over what the replies are made of: bounded, so that each can be windowed. */
export function generatedRules(seed: number, count: number): PolicyRule[][] {
  return fc
    .sample(fc.array(anyRule, { minLength: 1, maxLength: 4 }), { seed, numRuns: count })
    .map((rules) => rules.map((rule, at) => ({ ...rule, id: `r${at}` })));
}

const atom = fc.constantFrom(
  'a',
  'b',
  'c',
  'B',
  ' ',
  '1',
  '[ab]',
  '[^a]',
  '\\d',
  '\\w',
  '.',
  'é',
  '[é-ÿ]',
  '😀',
  'ß',
  'mg',
  '\\b',
);
const repeated = fc
  .tuple(atom, fc.constantFrom('', '', '?', '{2}', '{1,3}', '{0,5}'))
  .map(([one, times]) => (one === '\\b' ? one : `${one}${times}`));
const sequence = fc.array(repeated, { minLength: 1, maxLength: 5 }).map((all) => all.join(''));
const pattern = fc
  .tuple(
    fc.constantFrom('', '\\b'),
    fc.array(sequence, { minLength: 1, maxLength: 3 }),
    fc.constantFrom('', '\\b', '{1,2}', '\\B'),
  )
  // Something must be there.
  .map(([before, all, after]) => `${before}[a-c1 ](?:${all.join('|')})${after}`)
  .map((it) => it.replaceAll('\\b\\b', '\\b'));
const word = fc.constantFrom(
  'a',
  'ab',
  'abc',
  'chest',
  'pain',
  '12',
  'é',
  '#stop',
  'a b',
  'chest pain',
  'self-harm',
  'Ｂ',
);
const match = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(pattern, fc.boolean()).map(([it, ignoreCase]) => regex(it, ignoreCase)) },
  {
    weight: 1,
    arbitrary: fc
      .array(
        word.filter((it) => it.length > 1),
        { minLength: 1, maxLength: 4 },
      )
      .map((en) => ({
        kind: 'topic' as const,
        phrases: { en },
      })),
  },
);
const action = fc.constantFrom(
  redact,
  redact,
  { does: 'replace' as const, replacement: 'abc' },
  {
    does: 'redact' as const,
    marker: '',
  },
);
const anyRule = fc.tuple(match, action).map(([of, does]) => ruleOf('r', of, { action: does }));
