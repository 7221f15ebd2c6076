import { describe, expect, it } from 'vitest';
import { lastThatFits, offsetOver } from './length-rule.ts';

describe('the length of a text', () => {
  it('is counted in code points', () => {
    expect(offsetOver('😀😀', 2)).toBeNull();
    expect(offsetOver('😀😀😀', 2)).toBe(4);
    expect(offsetOver('ab', 1)).toBe(1);
  });
});

describe('a text that is too long', () => {
  it.each([
    ['Rest today. Drink water. Call us.', 26, 'Rest today. Drink water.'],
    ['Is it red? Then call. If not, wait.', 15, 'Is it red?'],
    ['See your clinic and Dr. Lee about it.', 30, 'See your clinic and Dr. Lee'],
    ['Stop now. Take approx. 5 mg of it daily.', 30, 'Stop now.'],
    ['Take 5 mg. Then compare A vs. B or ask e.g. Ann.', 42, 'Take 5 mg.'],
    ['Take 2.5 mg daily. Then 3.5 mg more.', 30, 'Take 2.5 mg daily.'],
    ['He said “rest today.” Then he left us.', 30, 'He said “rest today.”'],
    ['Today:\n- rest\n- drink\n- sleep', 22, 'Today:\n- rest\n- drink'],
    ['One paragraph\n\nAnother paragraph here', 20, 'One paragraph'],
    ['今日は休む。水を飲む。電話する。', 12, '今日は休む。水を飲む。'],
    ['no sentence at all in this', 12, 'no sentence'],
    ['unbrokenunbroken', 5, 'unbro'],
    ['aaaae\u0301\u0301b', 5, 'aaaa'],
    ['👩🏽👩🏽👩🏽', 3, '👩🏽'],
    ['Fits.', 5, 'Fits.'],
  ])('%j ends within %i as %j', (text, most, expected) => {
    expect(text.slice(0, lastThatFits(text, most))).toBe(expected);
  });
});
