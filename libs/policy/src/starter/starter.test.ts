import { PromptPolicy } from '@openward/contracts';
import { describe, expect, it } from 'vitest';

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
});
