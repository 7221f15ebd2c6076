import { digestOfBytes } from '@openward/contracts';
import { describe, expect, it } from 'vitest';
import {
  cardOf,
  commitmentOf,
  namesDataSet,
  countChangedPersons,
  digestOfRecords,
  fingerprintsOf,
  isExpired,
  twelveMonthsAfter,
} from './data-card.ts';
import type { Dataset, SiteRecord } from './dataset.ts';

const RECORDS: readonly SiteRecord[] = [
  { id: 'record-1', person: 'p1', text: 'a', label: 'emergency', redFlag: true },
  { id: 'record-2', person: 'p1', text: 'b', label: 'routine', redFlag: false },
  { id: 'record-3', person: 'p2', text: 'c', label: 'routine', redFlag: false },
];
const DATASET: Dataset = { records: RECORDS, doublyLabelled: 1 };
const STATED = {
  service: 'triage',
  language: 'en',
  periodFrom: '2025-01-01',
  periodTo: '2025-12-31',
  labellers: ['Dr A', 'Dr B'],
  approvedBy: 'Dr C',
  approvedOn: '2026-01-15',
  expiresOn: '2027-01-15',
};

describe('E7 the card of a data set', () => {
  it('E7 says what the records are, how many, and what they are approved for', () => {
    expect(cardOf(DATASET, 'person', STATED)).toEqual({
      kind: 'card',
      card: {
        ...STATED,
        approvedFor: 'evaluation',
        personKey: 'person',
        records: 3,
        persons: 2,
        redFlagPersons: 1,
        doublyLabelled: 1,
      },
    });
  });

  it.each([
    ['expiresOn', { expiresOn: '2027-01-16' }, 'an approval lasts 12 months at most'],
    ['expiresOn', { expiresOn: '2026-01-15' }, 'the approval runs out before it begins'],
    ['periodTo', { periodTo: '2024-12-31' }, 'the period ends before it begins'],
    ['labellers', { labellers: ['Dr A'] }, 'safety labels need two clinicians'],
    ['labellers', { labellers: ['Dr A', ' Dr A '] }, 'a clinician is listed once'],
  ])('E7 refuses a wrong %s: %j', (field, change, message) => {
    expect(cardOf(DATASET, 'person', { ...STATED, ...change })).toEqual({
      kind: 'refused',
      problems: [{ field, message }],
    });
  });

  it('E7 has no word for training', () => {
    expect(cardOf(DATASET, 'person', { ...STATED, approvedFor: 'training' }).kind).toBe('refused');
  });

  it('E7 needs no second clinician where no record is a safety label', () => {
    const routine: Dataset = { records: RECORDS.filter((record) => !record.redFlag), doublyLabelled: 0 };
    expect(cardOf(routine, 'person', { ...STATED, labellers: ['Dr A'] }).kind).toBe('card');
  });

  it('E7 expires on its day', () => {
    expect(isExpired({ expiresOn: '2027-01-15' }, '2027-01-14')).toBe(false);
    expect(isExpired({ expiresOn: '2027-01-15' }, '2027-01-15')).toBe(true);
  });

  it('knows the day a year later, also of a leap day', () => {
    expect(twelveMonthsAfter('2026-03-31')).toBe('2027-03-31');
    expect(twelveMonthsAfter('2028-02-29')).toBe('2029-02-28');
  });
});

describe('E7 the commitment', () => {
  const salt = new Uint8Array(16).fill(7);
  const DATA = digestOfRecords(RECORDS, digestOfBytes);

  it('E7 is found in the words of a training statement, however it is written there', () => {
    const commitment = commitmentOf(DATA, salt, digestOfBytes);
    expect(namesDataSet(`Trained on three sets: ${commitment}, and others.`, commitment)).toBe(true);
    expect(namesDataSet(`sets ${commitment.slice('sha256:'.length).toUpperCase()}`, commitment)).toBe(true);
    expect(namesDataSet('Trained on invented sentences.', commitment)).toBe(false);
  });

  it('E7 changes with the salt and with any record, and hides the digest that the node uses', () => {
    const one = commitmentOf(DATA, salt, digestOfBytes);
    expect(one).toBe(commitmentOf(DATA, salt, digestOfBytes));
    expect(one).not.toBe(commitmentOf(DATA, new Uint8Array(16).fill(8), digestOfBytes));
    expect(one).not.toBe(commitmentOf(digestOfRecords(RECORDS.slice(1), digestOfBytes), salt, digestOfBytes));
    expect(one).not.toBe(digestOfRecords(RECORDS, digestOfBytes));
  });

  it('E7 refuses a salt that could be guessed', () => {
    expect(() => commitmentOf(DATA, new Uint8Array(15), digestOfBytes)).toThrow(RangeError);
  });

  it('does not take two different data sets for one, by running values together', () => {
    const record = { id: 'record-1', redFlag: false, label: 'routine' };
    const a = digestOfRecords([{ ...record, person: 'p"', text: ',"x' }], digestOfBytes);
    const b = digestOfRecords([{ ...record, person: 'p', text: '","x' }], digestOfBytes);
    expect(a).not.toBe(b);
  });
});

describe('E7 versions of a data set', () => {
  it('E7 differ by the persons added, withdrawn or changed', () => {
    const before = fingerprintsOf(RECORDS, digestOfBytes);
    const withdrawn = fingerprintsOf(
      RECORDS.filter((record) => record.person !== 'p2'),
      digestOfBytes,
    );
    const changed = fingerprintsOf(
      RECORDS.map((it) => (it.id === 'record-2' ? { ...it, text: 'z' } : it)),
      digestOfBytes,
    );
    expect(countChangedPersons(before, before)).toBe(0);
    expect(countChangedPersons(before, withdrawn)).toBe(1);
    expect(countChangedPersons(withdrawn, changed)).toBe(2);
  });
});
