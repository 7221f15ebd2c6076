import type { DatasetContract } from '@openward/contracts';
import { type CsvProblem, type CsvRow, parseCsv } from './csv.ts';
import { byCodeUnit } from './rerun.ts';

/** One record of a site, on the node. `id` is its place among the records in canonical order, so it tells nothing. */
export interface SiteRecord {
  readonly id: string;
  readonly person: string;
  readonly text: string;
  readonly label: string;
  readonly redFlag: boolean;
}

/** `doublyLabelled` of the records were labelled by two clinicians or more; all of those agree, or the import is refused. */
export interface Dataset {
  readonly records: readonly SiteRecord[];
  readonly doublyLabelled: number;
}

/** Why a row cannot be taken, on which line, in which column. It never carries a value: a problem may end in a log. */
export interface DatasetProblem {
  readonly code:
    | CsvProblem['code']
    | 'noRecords'
    | 'columnMissing'
    | 'columnTwice'
    | 'fieldCount'
    | 'valueMissing'
    | 'labelUnknown'
    | 'labellerMissing'
    | 'labellersDisagree'
    | 'personTwice';
  readonly line: number;
  readonly column?: string;
  /** `personTwice`: the line where the person stands first. */
  readonly firstLine?: number;
}

export type DatasetReading =
  | { readonly kind: 'read'; readonly dataset: Dataset }
  | { readonly kind: 'refused'; readonly problems: readonly DatasetProblem[] };

/**
 * Reads a site's own CSV by the columns that a suite asks for; other columns are not kept. All or nothing: a file with a
 * problem is refused with every problem (E7), because dropping the rows that two clinicians disagree on would leave the
 * easy ones. A red-flag record is one a person (E2); the site says which stands for a person, the importer does not.
 */
export function readDataset(csv: string, contract: DatasetContract): DatasetReading {
  const parsed = parseCsv(csv);
  if ('problem' in parsed) return { kind: 'refused', problems: [parsed.problem] };
  const [header, ...rows] = parsed.rows;
  if (!header || rows.length === 0) return { kind: 'refused', problems: [{ code: 'noRecords', line: 1 }] };
  const columns = findColumns(header, contract);
  if (columns.problems.length > 0) return { kind: 'refused', problems: columns.problems };
  const read = rows.map((row) => readRecord(row, header, columns.indexOf, contract));
  const problems = [...read.flatMap((row) => row.problems), ...personsTwice(read)];
  if (problems.length > 0) return { kind: 'refused', problems: problems.toSorted((a, b) => a.line - b.line) };
  const records = inCanonicalOrder(read.flatMap((row) => row.record ?? []));
  return { kind: 'read', dataset: { records, doublyLabelled: read.filter((row) => row.labellers >= 2).length } };
}

type Unnumbered = Omit<SiteRecord, 'id'>;
interface ReadRecord {
  readonly line: number;
  readonly record: Unnumbered | null;
  readonly labellers: number;
  readonly problems: readonly DatasetProblem[];
}

function findColumns(header: CsvRow, contract: DatasetContract) {
  const names = header.fields.map((field) => field.trim());
  const wanted = [contract.textColumn, contract.labelColumn, contract.personColumn, ...contract.labellerColumns];
  const problems = wanted.flatMap((column): DatasetProblem[] => {
    const times = names.filter((name) => name === column).length;
    if (times === 1) return [];
    return [{ code: times === 0 ? 'columnMissing' : 'columnTwice', line: header.line, column }];
  });
  return { problems, indexOf: (column: string) => names.indexOf(column) };
}

function readRecord(
  { line, fields }: CsvRow,
  header: CsvRow,
  indexOf: (column: string) => number,
  contract: DatasetContract,
): ReadRecord {
  const refused = (...problems: DatasetProblem[]): ReadRecord => ({ line, record: null, labellers: 0, problems });
  if (fields.length !== header.fields.length) return refused({ code: 'fieldCount', line });
  const cell = (column: string): string => (fields[indexOf(column)] ?? '').trim();
  const { textColumn, labelColumn, personColumn, labellerColumns, labels, redFlagLabel } = contract;
  const empty = [textColumn, labelColumn, personColumn].filter((column) => cell(column) === '');
  if (empty.length > 0) return refused(...empty.map((column) => ({ code: 'valueMissing' as const, line, column })));
  const label = cell(labelColumn);
  if (!labels.includes(label)) return refused({ code: 'labelUnknown', line, column: labelColumn });
  const given = labellerColumns.filter((column) => cell(column) !== '');
  const disagreeing = given.filter((column) => cell(column) !== label);
  if (disagreeing.length > 0) {
    return refused(...disagreeing.map((column) => ({ code: 'labellersDisagree' as const, line, column })));
  }
  const redFlag = label === redFlagLabel;
  if (redFlag && given.length < 2) {
    const column = labellerColumns.find((one) => !given.includes(one)) ?? labelColumn;
    return refused({ code: 'labellerMissing', line, column });
  }
  const text = fields[indexOf(textColumn)] ?? '';
  return { line, record: { person: cell(personColumn), text, label, redFlag }, labellers: given.length, problems: [] };
}

function personsTwice(rows: readonly ReadRecord[]): readonly DatasetProblem[] {
  const firstLines = new Map<string, number>();
  return rows.flatMap(({ line, record }): DatasetProblem[] => {
    if (!record?.redFlag) return [];
    const firstLine = firstLines.get(record.person);
    if (firstLine !== undefined) return [{ code: 'personTwice', line, firstLine }];
    firstLines.set(record.person, line);
    return [];
  });
}

/** The same records in another order are the same data set: by person, then text, then label, by code unit. */
function inCanonicalOrder(records: readonly Unnumbered[]): readonly SiteRecord[] {
  return records
    .toSorted((a, b) => byCodeUnit(a.person, b.person) || byCodeUnit(a.text, b.text) || byCodeUnit(a.label, b.label))
    .map((record, index) => ({ id: `record-${index + 1}`, ...record }));
}
