import { Name, wordsOfIssue } from '@openward/contracts';
import { z } from 'zod';
import type { Dataset, SiteRecord } from './dataset.ts';

/** A digest function, handed in: this library computes none itself. */
export type Hash = (bytes: Uint8Array) => string;

const Day = z.iso.date();
const Words = z.string().trim().min(1).max(200);

/**
 * What a person of the site states about a data set (E7). Days are calendar days, `2026-03-31`. The approval is for
 * evaluation alone: there is no field that could say training.
 */
export const DataCardFacts = z
  .strictObject({
    service: Name,
    language: Words,
    periodFrom: Day,
    periodTo: Day,
    labellers: z.array(Words).min(1).max(50),
    approvedBy: Words,
    approvedOn: Day,
    expiresOn: Day,
  })
  .check((ctx) => {
    const { periodFrom, periodTo, labellers, approvedOn, expiresOn } = ctx.value;
    const refuse = (field: string, message: string): void => {
      ctx.issues.push({ code: 'custom', input: ctx.value, path: [field], message });
    };
    if (periodTo < periodFrom) refuse('periodTo', 'the period ends before it begins');
    if (new Set(labellers).size !== labellers.length) refuse('labellers', 'a clinician is listed once');
    if (expiresOn <= approvedOn) refuse('expiresOn', 'the approval runs out before it begins');
    if (expiresOn > twelveMonthsAfter(approvedOn)) refuse('expiresOn', 'an approval lasts 12 months at most');
  });
export type DataCardFacts = z.infer<typeof DataCardFacts>;

/** A data set's card, kept on the node. Outside the site the set is its commitment, and nothing else. */
export interface DataCard extends DataCardFacts {
  readonly approvedFor: 'evaluation';
  readonly personKey: string;
  readonly records: number;
  readonly persons: number;
  readonly redFlagPersons: number;
  readonly doublyLabelled: number;
}

export type CardWriting =
  | { readonly kind: 'card'; readonly card: DataCard }
  | { readonly kind: 'refused'; readonly problems: readonly { readonly field: string; readonly message: string }[] };

/** Makes the card of records that were read, from what the site states about them. */
export function cardOf(dataset: Dataset, personKey: string, stated: unknown): CardWriting {
  const parsed = DataCardFacts.safeParse(stated);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => ({
      field: issue.path.join('.'),
      message: wordsOfIssue(issue),
    }));
    return { kind: 'refused', problems };
  }
  const redFlags = dataset.records.filter((record) => record.redFlag);
  if (redFlags.length > 0 && parsed.data.labellers.length < 2) {
    const message = 'safety labels need two clinicians';
    return { kind: 'refused', problems: [{ field: 'labellers', message }] };
  }
  const card: DataCard = {
    ...parsed.data,
    approvedFor: 'evaluation',
    personKey,
    records: dataset.records.length,
    persons: countPersons(dataset.records),
    redFlagPersons: countPersons(redFlags),
    doublyLabelled: dataset.doublyLabelled,
  };
  return { kind: 'card', card };
}

/** E7: from the day of expiry on, the records give no verdict (`dataExpired`). `today` is a calendar day at the site. */
export function isExpired(card: Pick<DataCard, 'expiresOn'>, today: string): boolean {
  return today >= card.expiresOn;
}

/** The digest of the records, on the node: the `data` of a result's key. */
export function digestOfRecords(records: readonly SiteRecord[], hash: Hash): string {
  return hash(bytesOf(records.map(({ person, text, label }) => [person, text, label])));
}

/**
 * What a version of a data set is outside the site (E7), from the digest of its records. Without the salt, which stays on the node, a guess at the records cannot be
 * tried against it. The salt is 16 random bytes at least, one for each data set.
 */
export function commitmentOf(data: string, salt: Uint8Array, hash: Hash): string {
  if (salt.length < 16) throw new RangeError('a salt has 16 bytes at least');
  return hash(bytesOf(['openward data set', [...salt], data]));
}

/** E7: a model that says it was trained on a set is not judged by that set. With or without what stands before the hexadecimal digits. */
export const namesDataSet = (trainingStatement: string, commitment: string): boolean =>
  trainingStatement.toLowerCase().includes(commitment.replace(/^sha256:/, ''));

/** A digest for each person, kept on the node, so that versions can be compared after the records are gone. */
export function fingerprintsOf(records: readonly SiteRecord[], hash: Hash): ReadonlyMap<string, string> {
  const persons = Map.groupBy(records, (record) => record.person);
  return new Map([...persons].map(([person, theirs]) => [person, digestOfRecords(theirs, hash)]));
}

/** E7: how many persons were added, withdrawn or changed between two versions of a data set. */
export function countChangedPersons(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): number {
  return [...new Set([...a.keys(), ...b.keys()])].filter((person) => a.get(person) !== b.get(person)).length;
}

/** The same day a year later; of a 29 February, the 28th. */
export function twelveMonthsAfter(day: string): string {
  const monthAndDay = day.slice(4);
  return `${String(Number(day.slice(0, 4)) + 1).padStart(4, '0')}${monthAndDay === '-02-29' ? '-02-28' : monthAndDay}`;
}

const countPersons = (records: readonly SiteRecord[]): number => new Set(records.map((record) => record.person)).size;

/** JSON of arrays and strings only: one text for one value, and no two values run together. */
const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
