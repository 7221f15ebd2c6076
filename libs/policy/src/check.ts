import type { PromptPolicy } from '@openward/contracts';
import { noticeFindings, noticeLengthFindings } from './check-notices.ts';
import { duplicateFindings, ruleFindings } from './check-rules.ts';
import { testFindings } from './check-tests.ts';
import { boundFindings, textFindings } from './check-texts.ts';
import { timeFindings } from './check-time.ts';
import { compilePolicy } from './compile.ts';
import { Findings } from './findings.ts';
import { measureDocument } from './measure.ts';
import { type CompiledPolicy, type Compiling, type Monotonic, type PolicyFinding, type SiteTerms } from './model.ts';
import { runCompiledTests, runPolicyTests, type TestResult } from './run-tests.ts';
import { readShape } from './shape.ts';
import { templateFindings } from './template.ts';
import { differenceText } from './text-diff.ts';

export type Checking =
  | { readonly kind: 'ok'; readonly policy: PromptPolicy; readonly compiled: CompiledPolicy }
  | { readonly kind: 'refused'; readonly findings: readonly PolicyFinding[] };

/**
 * Whether a document is a policy that may be applied at a site: by its author, at the push, and on each node before anything is
 * loaded. Takes any value, or JSON as a text or bytes; never throws on one, and costs little whatever it is: size first, then
 * shape, then every danger that can be seen without compiling, then patterns and schemas, then the policy's own tests. What is
 * refused at one step goes to no later one that could trip over it. All findings are `testFailed` where the policy is sound, and
 * its own tests fail with the terms of this site. `now` bounds how long they may take, and to make it ready; `memory`, in bytes
 * outside of the heap, how much that may hold.
 */
export function checkPolicy(
  document: unknown,
  terms: SiteTerms,
  now: Monotonic,
  memory: () => number = () => 0,
): Checking {
  const { policy, compiled, findings } = examinePolicy(document, terms, now, memory);
  if (findings.length > 0 || policy === null || compiled === null) return { kind: 'refused', findings };
  return { kind: 'ok', policy, compiled };
}

/** Everything that was learnt on the way, for the policy's author. Only without a finding may the policy be applied. */
export interface Examination {
  /** Null: it has not the shape of a policy. */
  readonly policy: PromptPolicy | null;
  /** Null: it is not sound. */
  readonly compiled: CompiledPolicy | null;
  /** Of every test, where the policy is sound. */
  readonly results: readonly TestResult[];
  readonly findings: readonly PolicyFinding[];
}

export function examinePolicy(
  document: unknown,
  terms: SiteTerms,
  now: Monotonic,
  memory: () => number = () => 0,
): Examination {
  const findings = new Findings();
  const policy = shapeOf(document, findings);
  if (policy === null) return { policy, compiled: null, results: [], findings: findings.list() };
  const compiled = compileSound(policy, terms, findings, { now, memory });
  if (compiled === null) return { policy, compiled, results: [], findings: findings.list() };
  findings.take(timeFindings(policy, now));
  const asTested = Object.keys(terms.variables).length === 0;
  const results = asTested ? runCompiledTests(compiled, now) : runPolicyTests(policy, terms, now);
  findings.take(failureFindings(policy, results));
  return { policy, compiled, results, findings: findings.list() };
}

/** The policy in a document, whose size and shape alone are checked: to look at one that is not finished. */
export function examineShape(document: unknown): Pick<Examination, 'policy' | 'findings'> {
  const findings = new Findings();
  return { policy: shapeOf(document, findings), findings: findings.list() };
}

function shapeOf(document: unknown, findings: Findings): PromptPolicy | null {
  const measured = measureDocument(document);
  if (measured.kind === 'ok') return readShape(measured.value, findings);
  findings.take(measured.findings);
  return null;
}

interface Meters {
  readonly now: Monotonic;
  readonly memory: () => number;
}

/** What to make a policy ready may take where it serves: clinics wait meanwhile. */
const MOST_COMPILE_MS = 500;
const MOST_COMPILE_BYTES = 64 * 1024 * 1024;

/** A process can be kept from running by others: so it is too slow only where it is so twice. */
function compileWithin(policy: PromptPolicy, terms: SiteTerms, findings: Findings, { now, memory }: Meters): Compiling {
  const attempt = () => {
    const [begun, held] = [now(), memory()];
    const made = compilePolicy(policy, terms);
    return { made, ms: now() - begun, bytes: memory() - held };
  };
  const first = attempt();
  if (first.bytes > MOST_COMPILE_BYTES) {
    const most = `${MOST_COMPILE_BYTES / 1024 / 1024} MB`;
    findings.add('tooLarge', 'rules', `Made ready it holds more than ${most}. Use fewer patterns, or fewer classes.`);
  } else if (first.ms > MOST_COMPILE_MS && attempt().ms > MOST_COMPILE_MS) {
    const most = `${MOST_COMPILE_MS} ms`;
    findings.add(
      'tooSlow',
      'rules',
      `To make it ready takes longer than ${most}, twice. Use fewer patterns, or topics.`,
    );
  }
  return first.made;
}

/** Compiles what has no danger, and nothing else. */
function compileSound(
  policy: PromptPolicy,
  terms: SiteTerms,
  findings: Findings,
  meters: Meters,
): CompiledPolicy | null {
  findings.take(duplicateFindings(policy));
  findings.take(boundFindings(policy));
  findings.take(ruleFindings(policy));
  findings.take(textFindings(policy));
  findings.take(templateFindings(policy));
  findings.take(noticeFindings(policy));
  if (findings.isEmpty) findings.take(noticeLengthFindings(policy, terms));
  const made = findings.isEmpty ? compileWithin(policy, terms, findings, meters) : null;
  if (made?.kind === 'refused') findings.take(made.findings);
  // After the patterns, which are what an author wants to hear of first.
  findings.take(testFindings(policy));
  return made?.kind === 'ok' && findings.isEmpty ? made.compiled : null;
}

function* failureFindings({ rules }: PromptPolicy, results: readonly TestResult[]): Generator<PolicyFinding> {
  for (const [at, { name, rule, language, differs }] of results.entries()) {
    for (const { about, of, expected, actual } of differs) {
      if (about === 'time') {
        const place = rules.findIndex(({ id }) => id === of);
        yield {
          code: 'tooSlow',
          where: `rules[${place}].timeLimitMs`,
          message:
            `In the test “${name}” (${language}): ${expected} of ${rules[place]?.timeLimitMs} ms, and it takes ${actual}. What is ` +
            'over its limit fails closed: make the rule simpler, or give it more time.',
        };
        continue;
      }
      yield {
        code: 'testFailed',
        where: `tests[${at}]`,
        message: `${rule}, “${name}” (${language}): ${about}: ${differenceText(expected, actual)}`,
      };
    }
  }
}
