import { describe, expect, test } from 'vitest';
import { marksFrom, marksOfTemplate, templateMarks } from './marks.ts';
import { TEMPLATES } from './templates.fixture.ts';

describe('the marks of a template', () => {
  const SIDE = { before: '', after: '' };
  const plain = { bos: '', system: SIDE, user: SIDE, assistant: SIDE, stop: [] };

  test.for([
    ['chatMl', ['<|im_start|>', '<|im_end|>']],
    ['llama3', ['<|begin_of_text|>', '<|start_header_id|>', '<|end_header_id|>', '<|eot_id|>']],
    ['gemma', ['<bos>', '<start_of_turn>', '<end_of_turn>']],
    ['mistral', ['<s>', '[INST]', '[/INST]', '[SYSTEM_PROMPT]', '[/SYSTEM_PROMPT]', '</s>']],
  ] as const)('are also the parts of theirs that a vocabulary has a token for: %s', ([name, parts]) => {
    const marks = templateMarks(TEMPLATES[name]);
    for (const part of parts) expect(marks.findIn(`a${part}b`)).toBe(part);
  });

  test('are no words, and nothing of one letter', () => {
    const marks = Object.values(TEMPLATES).flatMap((template) => marksOfTemplate(template));
    expect(marks.filter((mark) => /^[\p{L}\s]*$/u.test(mark))).toEqual([]);
    expect(marks.filter((mark) => mark.length < 2)).toEqual([]);
  });

  test('that begin with a sign are marks without the blanks around them, and the sign alone is none', () => {
    const marks = marksOfTemplate({ ...plain, user: { before: '\n### Instruction:\n', after: '' } });
    expect(marks).toEqual(['\n### Instruction:\n', '### Instruction:']);
  });

  test('of several brackets are told apart, whole ones stay', () => {
    expect(marksOfTemplate({ ...plain, user: { before: '[INST] <<SYS>>\n', after: '' } })).toEqual([
      '[INST] <<SYS>>\n',
      '[INST] <<SYS>>',
      '[INST]',
      '<<SYS>>',
    ]);
    expect(marksOfTemplate({ ...plain, user: { before: '<｜begin▁of▁sentence｜>User', after: '' } })).toContain(
      '<｜begin▁of▁sentence｜>',
    );
  });

  test('refuse nothing that clinics write', () => {
    const text =
      'BP <120/80, HR >90 [sic], K+ 3.5 | Na 140; user: nurse. System review: <5 mg/dl and >2 {?}. ### Plan\n- 1 g';
    for (const template of Object.values(TEMPLATES)) expect(templateMarks(template).findIn(text)).toBe(null);
  });
});

describe('looking for marks', () => {
  test('finds one after the beginning of another, and one that begins within', () => {
    const marks = marksFrom(['<abc>', '<ab]', 'bq', ']]']);
    expect(marks.findIn('<<<ab<abc>')).toBe('<abc>');
    expect(marks.findIn('<abq')).toBe('bq');
    expect(marks.findIn('a]]')).toBe(']]');
    expect(marks.findIn('<ab')).toBe(null);
    expect(marks.findIn('')).toBe(null);
  });

  test('answers the same for each text, in any order', () => {
    const marks = marksFrom(['<a>']);
    expect(['<a>', 'x', '<a>', 'x<a>'].map((text) => marks.findIn(text))).toEqual(['<a>', null, '<a>', '<a>']);
  });

  test('takes letters as they are, also those that a pattern would take for signs', () => {
    const marks = marksFrom(['^]', '\\d', '-x', '𝒳𝒴']);
    for (const mark of ['^]', '\\d', '-x', '𝒳𝒴']) expect(marks.findIn(`..${mark}`)).toBe(mark);
    expect(marks.findIn('1 ^ 2 \\ - 𝒳')).toBe(null);
    expect(marksFrom([]).findIn('anything')).toBe(null);
  });
});
