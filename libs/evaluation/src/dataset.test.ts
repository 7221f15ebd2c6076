import type { DatasetContract } from '@openward/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCsv } from './csv.ts';
import { readDataset } from './dataset.ts';

const CONTRACT: DatasetContract = {
  textColumn: 'text',
  labelColumn: 'label',
  personColumn: 'person',
  labellerColumns: ['labeller1', 'labeller2'],
  redFlagLabel: 'emergency',
  labels: ['emergency', 'routine'],
};
const HEADER = 'person,text,label,labeller1,labeller2';
const csv = (...rows: string[]): string => [HEADER, ...rows].join('\n');
const problemsOf = (text: string, contract = CONTRACT) => {
  const reading = readDataset(text, contract);
  return reading.kind === 'refused' ? reading.problems : [];
};
const recordsOf = (text: string) => {
  const reading = readDataset(text, CONTRACT);
  if (reading.kind === 'refused') throw new Error(JSON.stringify(reading.problems));
  return reading.dataset.records;
};

describe('CSV', () => {
  it('reads quoted fields with commas, quotes and line breaks, and tells the line that each row starts on', () => {
    expect(parseCsv('a,"b, ""c""\nd",e\r\n\r\n"",f,\n')).toEqual({
      rows: [
        { line: 1, fields: ['a', 'b, "c"\nd', 'e'] },
        { line: 4, fields: ['', 'f', ''] },
      ],
    });
  });

  it('reads a byte order mark, CRLF, and a last line that is not ended', () => {
    expect(parseCsv('\uFEFFa,b\r\nc,d')).toEqual({
      rows: [
        { line: 1, fields: ['a', 'b'] },
        { line: 2, fields: ['c', 'd'] },
      ],
    });
    expect(parseCsv('')).toEqual({ rows: [] });
  });

  it('keeps a carriage return that ends no line', () => {
    expect(parseCsv('a\rb,c')).toEqual({ rows: [{ line: 1, fields: ['a\rb', 'c'] }] });
  });

  it.each([
    ['a\n"b', 'quoteNotClosed', 2],
    ['a\nb"c', 'quoteInsideField', 2],
    ['a\n"b\n" c', 'textAfterQuote', 3],
  ])('refuses %j: %s', (text, code, line) => {
    expect(parseCsv(text)).toEqual({ problem: { code, line } });
  });

  it('gives back any fields that were written by the rules', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', 'é', ' ') });
    fc.assert(
      fc.property(fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { minLength: 1 }), (rows) => {
        const written = rows.map((row) => row.map((it) => `"${it.replaceAll('"', '""')}"`).join(',')).join('\r\n');
        const parsed = parseCsv(`\uFEFF${written}\r\n`);
        expect('rows' in parsed && parsed.rows.map((row) => row.fields)).toEqual(rows);
      }),
    );
  });
});

describe("reading a site's own records", () => {
  it('E1 takes the expected value from the labelled column, and keeps no other column', () => {
    const text = 'ward,label,person,text,labeller2,labeller1\nW1,emergency,p1,"pain, chest",emergency,emergency';
    expect(recordsOf(text)).toEqual([
      { id: 'record-1', person: 'p1', text: 'pain, chest', label: 'emergency', redFlag: true },
    ]);
  });

  it('E7 needs two clinicians for a red-flag label, and says which line lacks one', () => {
    expect(problemsOf(csv('p1,x,emergency,emergency,', 'p2,y,emergency,,', 'p3,z,routine,,'))).toEqual([
      { code: 'labellerMissing', line: 2, column: 'labeller2' },
      { code: 'labellerMissing', line: 3, column: 'labeller1' },
    ]);
  });

  it('E7 refuses labels on which they disagree, also where a routine one hides an emergency', () => {
    expect(problemsOf(csv('p1,x,emergency,emergency,routine', 'p2,y,routine,emergency,routine'))).toEqual([
      { code: 'labellersDisagree', line: 2, column: 'labeller2' },
      { code: 'labellersDisagree', line: 3, column: 'labeller1' },
    ]);
  });

  it('E7 counts the records that two clinicians labelled', () => {
    const reading = readDataset(
      csv('p1,x,emergency,emergency,emergency', 'p2,y,routine,routine,', 'p3,z,routine,,'),
      CONTRACT,
    );
    expect(reading).toMatchObject({ kind: 'read', dataset: { doublyLabelled: 1 } });
  });

  it('E2 refuses a second red-flag record of a person, and names both lines', () => {
    const twice = csv('p1,x,emergency,emergency,emergency', 'p1,y,routine,,', 'p1,z,emergency,emergency,emergency');
    expect(problemsOf(twice)).toEqual([{ code: 'personTwice', line: 4, firstLine: 2 }]);
  });

  it.each([
    ['', [{ code: 'noRecords', line: 1 }]],
    [HEADER, [{ code: 'noRecords', line: 1 }]],
    [
      'person,text,text,label,labeller1\n1,2,3,4,5',
      [
        { code: 'columnTwice', line: 1, column: 'text' },
        { code: 'columnMissing', line: 1, column: 'labeller2' },
      ],
    ],
    [csv('p1,x,routine'), [{ code: 'fieldCount', line: 2 }]],
    [csv('p1,x,urgent,,'), [{ code: 'labelUnknown', line: 2, column: 'label' }]],
    [
      csv(', ,routine,,'),
      [
        { code: 'valueMissing', line: 2, column: 'text' },
        { code: 'valueMissing', line: 2, column: 'person' },
      ],
    ],
    [csv('p1,"x,routine,,'), [{ code: 'quoteNotClosed', line: 2 }]],
  ])('refuses %j whole', (text, problems) => {
    expect(problemsOf(text)).toEqual(problems);
  });

  it('tells the line in the file, after fields that run over several', () => {
    expect(problemsOf(csv('p1,"a\nb\nc",routine,,', 'p2,x,urgent,,'))).toEqual([
      { code: 'labelUnknown', line: 5, column: 'label' },
    ]);
  });

  it('never puts a value of a record into a problem', () => {
    const reading = readDataset(csv('secret,secret,secret,secret,secret', 'secret,"secret"x,,,'), CONTRACT);
    expect(JSON.stringify(reading)).not.toContain('secret');
  });

  it('gives the same records, with the same ids, in whatever order the rows stand', () => {
    const rows = ['p2,b,routine,,', 'p1,a,emergency,emergency,emergency', 'p2,a,routine,,'];
    expect(recordsOf(csv(...rows.toReversed()))).toEqual(recordsOf(csv(...rows)));
    expect(recordsOf(csv(...rows)).map((it) => it.id)).toEqual(['record-1', 'record-2', 'record-3']);
  });
});
