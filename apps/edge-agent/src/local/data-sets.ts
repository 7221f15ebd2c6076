import { randomBytes } from 'node:crypto';
import { DatasetContract, digestOfBytes, Refusal } from '@openward/contracts';
import { cardOf, commitmentOf, digestOfRecords, fingerprintsOf, readDataset } from '@openward/evaluation';
import type { SqliteDataSets } from '@openward/persistence/node';
import { z } from 'zod';

/** A site's own records, as `openward node data add` sends them over the local socket. They go into the node's store and nowhere else. */
export const AddDataSet = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,38}$/),
  csv: z.string().min(1),
  columns: DatasetContract,
  card: z.record(z.string(), z.unknown()),
});
export type AddDataSet = z.infer<typeof AddDataSet>;

/** What each version of each set is outside the site: who trains on it has to name it by this (E7). */
export const commitmentsOf = (store: Pick<SqliteDataSets, 'versions'>) =>
  store.versions().map(({ name, version, data, salt }) => ({
    name,
    version,
    commitment: commitmentOf(data, salt, digestOfBytes),
  }));

export function addDataSet(
  store: SqliteDataSets,
  input: AddDataSet,
  at: number,
): { readonly version: number; readonly records: number; readonly persons: number } {
  const reading = readDataset(input.csv, input.columns);
  if (reading.kind === 'refused') {
    const [first] = reading.problems;
    throw new Refusal(
      'dataInvalid',
      `Line ${first?.line}: ${first?.code}${first?.column === undefined ? '' : ` in column ${first.column}`}.`,
      {
        details: reading.problems.slice(0, 50),
      },
    );
  }
  const { dataset } = reading;
  const writing = cardOf(dataset, input.columns.personColumn, input.card);
  if (writing.kind === 'refused') {
    const [first] = writing.problems;
    throw new Refusal('dataInvalid', `The card's \`${first?.field}\`: ${first?.message}.`, {
      details: writing.problems,
    });
  }
  const version = store.add({
    name: input.name,
    data: digestOfRecords(dataset.records, digestOfBytes),
    card: writing.card,
    records: dataset.records,
    fingerprints: fingerprintsOf(dataset.records, digestOfBytes),
    salt: store.saltOf(input.name) ?? randomBytes(16),
    addedAt: at,
  });
  return { version, records: dataset.records.length, persons: writing.card.persons };
}
