import { describe, expect, it } from 'vitest';
import { topicFinder } from './find-topic.ts';
import { fold } from './fold.ts';

const HERE = { today: '2026-03-01', language: 'en' };

const finds = (phrases: readonly string[], text: string): string[] => {
  const topic = topicFinder(phrases);
  if (topic.kind === 'refused') throw new Error(topic.why);
  const spans = topic.finder.find(fold(text, HERE));
  return spans.map(({ start, end }) => text.slice(start, end));
};

describe('a topic', () => {
  it.each([
    ['chest pain', 'My CHEST   Pain.', ['CHEST   Pain']],
    ['chest pain', 'chest\n\tpain', ['chest\n\tpain']],
    ['chest pain', 'chest     pain', []],
    ['chest pain', 'chest, pain', ['chest, pain']],
    ['pain', 'painless, pains, rapain; pain', ['pain']],
    ['über', 'Überdosis ÜBER', ['ÜBER']],
    ['öl', 'Kohöl Öl öl', ['Öl', 'öl']],
    ['боль', 'Сильная БОЛЬ, болью', ['БОЛЬ']],
    ['высокое', 'Высокое высокое ВЫСОКОЕ', ['Высокое', 'высокое', 'ВЫСОКОЕ']],
    ["can't breathe", 'I can’t breathe', ['can’t breathe']],
    ['self-harm', 'self\u2011harm or self harm', ['self\u2011harm', 'self harm']],
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

describe('topics whose phrases are alike', () => {
  const cpuMs = (run: () => unknown): number => {
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  // Each of them begins with the words of every other, and none ends as the text does.
  const alike = Array.from({ length: 500 }, (_, n) => `${'a '.repeat(15)}z${n}`);

  it('cost a text no more for being many, and are soon made ready', () => {
    const topics: ReturnType<typeof topicFinder>[] = [];
    expect(cpuMs(() => topics.push(topicFinder(alike)))).toBeLessThan(1_000);
    const [topic] = topics;
    if (topic?.kind !== 'ok') throw new Error('refused');
    // Every word but the last of one phrase stands in it.
    const text = fold(`${'a '.repeat(20_000)}z1 z2`, HERE);
    expect(cpuMs(() => topic.finder.find(text))).toBeLessThan(1_000);
  });
  it('are refused where they have more words than a phrase needs', () => {
    expect(topicFinder([`${'a '.repeat(80)}z`])).toMatchObject({ kind: 'refused' });
  });
  it('ask whether there is time for more, on a long text', () => {
    const topic = topicFinder(['a b']);
    if (topic.kind !== 'ok') throw new Error('refused');
    const outOfTime = () => {
      throw new Error('out of time');
    };
    expect(() => topic.finder.find(fold('a b '.repeat(1_000), HERE), outOfTime)).toThrow('out of time');
  });
});
