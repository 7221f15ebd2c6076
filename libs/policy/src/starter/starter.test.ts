import { PromptPolicy } from '@openward/contracts';
import { describe, expect, it } from 'vitest';

import { checkPolicy } from '../check.ts';
import { compilePolicy } from '../compile.ts';
import { NO_SITE_TERMS } from '../model.ts';
import { runPolicyTests } from '../run-tests.ts';
import { starterPolicy } from './index.ts';

describe('the starter policy', () => {
  it('has the shape of a policy', () => {
    expect(PromptPolicy.parse(starterPolicy())).toEqual(starterPolicy());
  });

  it('is another value each time, so that nobody changes it for others', () => {
    const one = starterPolicy();
    one.rules.pop();
    expect(starterPolicy().rules).not.toHaveLength(one.rules.length);
  });

  it('only notes identifiers in questions', () => {
    const ofQuestions = starterPolicy().rules.filter(
      (rule) => rule.stage === 'input' && rule.match.kind === 'identifier',
    );
    expect(ofQuestions.map(({ action }) => action.does)).toEqual(Array.from(ofQuestions, () => 'annotate'));
    expect(ofQuestions).toHaveLength(6);
  });

  it('is refused by nothing that a push or a node checks, and its own tests pass', () => {
    const checking = checkPolicy(starterPolicy(), NO_SITE_TERMS, () => performance.now());
    expect(checking.kind === 'refused' ? checking.findings : []).toEqual([]);
    expect(runPolicyTests(starterPolicy(), NO_SITE_TERMS).filter(({ differs }) => differs.length > 0)).toEqual([]);
  });

  it('leaves a model of 512 tokens room for a question, also where each byte is a token', () => {
    const compiling = compilePolicy(starterPolicy(), NO_SITE_TERMS);
    const bytes = compiling.kind === 'ok' ? Buffer.byteLength(compiling.compiled.systemPrompt) : Infinity;
    expect(bytes).toBeLessThanOrEqual(220);
  });

  it('streams replies, 196 characters late', () => {
    const compiling = compilePolicy(starterPolicy(), NO_SITE_TERMS);
    expect(compiling.kind === 'ok' && compiling.compiled.stream).toEqual({ kind: 'window', heldBack: 196 });
  });

  it('passes its tests with a site’s pattern of record numbers and its own emergency number', () => {
    const terms = { recordNumber: 'MRN-\\d{6}', variables: { emergencyNumber: '999' } };
    expect(runPolicyTests(starterPolicy(), terms).filter(({ differs }) => differs.length > 0)).toEqual([]);
  });

  it('fails a test at a site whose pattern of record numbers hits doses', () => {
    const terms = { recordNumber: '\\d{3}', variables: {} };
    const failed = runPolicyTests(starterPolicy(), terms).filter(({ differs }) => differs.length > 0);
    expect(failed.map(({ rule }) => rule)).toContain('record-number-in');
  });
});
