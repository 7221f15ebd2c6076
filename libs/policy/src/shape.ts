import { MAX_POLICY_RULES, PolicyRule, PolicyTest, PromptPolicy } from '@openward/contracts';
import { z } from 'zod';
import { type Findings, pathOf } from './findings.ts';
import { wordsOf } from './shape-words.ts';

// In parts, so that a document with thousands of broken rules is refused by the first hundred faults, and costs no more.

const Frame = PromptPolicy.extend({
  rules: z.array(z.unknown()).max(MAX_POLICY_RULES),
  tests: z.array(z.unknown()).max(4_000),
});

/** The document as a policy, or null, and why not. */
export function readShape(document: unknown, findings: Findings): PromptPolicy | null {
  const frame = read(Frame, document, [], findings);
  if (frame === null) return null;
  const rules = readEach(PolicyRule, frame.rules, 'rules', findings);
  const tests = readEach(PolicyTest, frame.tests, 'tests', findings);
  return findings.isEmpty ? { ...frame, rules, tests } : null;
}

function readEach<T>(shape: z.ZodType<T>, items: readonly unknown[], name: string, findings: Findings): T[] {
  const read_: T[] = [];
  for (const [at, item] of items.entries()) {
    if (findings.isFull) break;
    const value = read(shape, item, [name, at], findings);
    if (value !== null) read_.push(value);
  }
  return read_;
}

function read<T>(shape: z.ZodType<T>, value: unknown, path: readonly PropertyKey[], findings: Findings): T | null {
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) {
    if (findings.isFull) break;
    const whole = [...path, ...issue.path];
    findings.add('shape', pathOf(whole), wordsOf(issue, whole, value));
  }
  return null;
}
