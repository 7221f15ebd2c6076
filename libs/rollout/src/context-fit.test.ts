import { describe, expect, it } from 'vitest';
import { judgeContext } from './context-fit.ts';
import { aRelease, aSuite } from './testing-fixtures.ts';

/** What a model that reads this many tokens makes of that prompt, with an item of 20 bytes and 4 words. */
function judge(systemPrompt: string, contextLength: number, change: { input?: string; value?: string } = {}) {
  const { model, policy } = aRelease(2);
  const { input = 'pain in chest, today', value = '112' } = change;
  const [item] = aSuite().items;
  const variable = { name: 'emergencyNumber', description: 'x', default: value, setBySite: true };
  return judgeContext(
    {
      model: { ...model, contextLength, template: { ...model.template, ...BARE } },
      policy: { ...policy, systemPrompt, variables: [variable] },
    },
    { ...aSuite(), items: [{ ...item!, input }] },
  );
}
const BARE = {
  bos: '',
  system: { before: '', after: '' },
  user: { before: '', after: '' },
  assistant: { before: '', after: '' },
};
const WORDS = 'Say how urgent it is. ';

describe('a prompt and the context that it must fit', () => {
  it('fits where even a token for each byte leaves room for a reply', () => {
    expect(judge('x'.repeat(79), 100)).toEqual({ kind: 'fits' });
    expect(judge('x'.repeat(80), 100).kind).toBe('mayNotFit');
    expect(judge('é'.repeat(40), 100).kind).toBe('mayNotFit');
  });

  it('cannot fit where even a token for each word leaves none', () => {
    expect(judge(WORDS.repeat(20), 105).kind).toBe('mayNotFit');
    expect(judge(WORDS.repeat(20), 104).kind).toBe('cannotFit');
    expect(judge('一'.repeat(1_600), 100).kind).toBe('cannotFit');
  });

  it('is told with both bounds, the policy, the suite and the model', () => {
    const fit = judge(WORDS.repeat(20), 200);
    if (fit.kind === 'fits') throw new Error('it fits');
    expect(fit.detail).toMatch(
      /system prompt of .*@\d+, .* item of .* has between 104 and 460 tokens, and .* reads 200/,
    );
  });

  it('counts the longest item of the suite, and a variable by its default', () => {
    expect(judge('x', 100, { input: 'word '.repeat(100) }).kind).toBe('cannotFit');
    expect(judge('Call {{emergencyNumber}}.', 60).kind).toBe('fits');
    expect(judge('Call {{emergencyNumber}}.', 60, { value: '1'.repeat(50) }).kind).toBe('mayNotFit');
  });
});
