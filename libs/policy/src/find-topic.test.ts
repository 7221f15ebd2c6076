import { describe, expect, it } from 'vitest';
import { topicFinder } from './find-topic.ts';
import { fold } from './fold.ts';

const finds = (phrases: readonly string[], text: string): string[] => {
  const topic = topicFinder(phrases);
  if (topic.kind === 'refused') throw new Error(topic.why);
  const spans = topic.finder.find(fold(text, { today: '2026-03-01', language: 'en' }));
  return spans.map(({ start, end }) => text.slice(start, end));
};

describe('a topic', () => {
  it.each([
    ['chest pain', 'My CHEST   Pain.', ['CHEST   Pain']],
    ['chest pain', 'chest\n\tpain', ['chest\n\tpain']],
    ['chest pain', 'chest     pain', []],
    ['chest pain', 'chest, pain', []],
    ['pain', 'painless, pains, rapain; pain', ['pain']],
    ['über', 'Überdosis ÜBER', ['ÜBER']],
    ['öl', 'Kohöl Öl öl', ['Öl', 'öl']],
    ['боль', 'Сильная БОЛЬ, болью', ['БОЛЬ']],
    ['высокое', 'Высокое высокое ВЫСОКОЕ', ['Высокое', 'высокое', 'ВЫСОКОЕ']],
    ["can't breathe", 'I can’t breathe', ['can’t breathe']],
    ['self-harm', 'self\u2011harm or self harm', ['self\u2011harm']],
    ["St. John's wort", "st.  john's WORT", ["st.  john's WORT"]],
    ['overdose', 'о\u200Bverdo\u00ADsе', ['о\u200Bverdo\u00ADsе']],
    ['C++', 'C or c++ or C+', ['c++']],
    ['#stop', 'stop ##stop', ['#stop']],
    ['胸痛', '胸痛です 胸痛', ['胸痛']],
    ['1', '1 12 1', ['1', '1']],
  ])('%s is found in %j', (phrase, text, expected) => {
    expect(finds([phrase], text)).toEqual(expected);
  });

  it('takes the longest of those that begin at one place, and none that overlaps it', () => {
    expect(finds(['heart', 'heart attack', 'attack now'], 'a heart attack now, heart')).toEqual([
      'heart attack',
      'heart',
    ]);
  });

  it('refuses a phrase that has no word', () => {
    expect(topicFinder(['++'])).toMatchObject({ kind: 'refused' });
  });
});
