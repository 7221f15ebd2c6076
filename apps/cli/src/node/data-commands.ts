import type { Command } from 'commander';
import { collect, nodeLeaf as leaf, onNode, type Cli } from '../cli.ts';
import { readJson, readText } from '../parse.ts';
import { UsageError } from '../usage-error.ts';
import { dataSetsText } from '../views/node.ts';

/** A site's own records (E7). They go over the socket into the node's store, and nowhere else. */
export function addData(cli: Cli, node: Command): void {
  const data = node.command('data').description('your own records, for evaluation alone; they never leave');
  leaf(
    cli,
    data,
    'list',
    'list data sets by their cards',
    onNode(async (client, run) => {
      const sets = await client.dataSets();
      run.show(sets, () => dataSetsText(sets));
    }),
  );
  leaf(
    cli,
    data,
    'add <file>',
    'add a CSV file with a header line (- is standard input)',
    onNode(async (client, run, [file = ''], options) => {
      const added = await client.addDataSet({
        name: (options['name'] ?? options['service']) as string,
        csv: await readText(file, run.terminal),
        columns: columnsOf(options),
        card: await cardOf(options, run.terminal),
      });
      run.show(added, () => `Added, version ${added.version}: ${added.records} records of ${added.persons} persons.\n`);
    }),
  )
    .requiredOption('--service <service>', 'that they judge')
    .option('--name <name>', 'of the data set; the service’s where it is not given')
    .requiredOption('--labels <a,b>', 'every label that may stand in the file')
    .requiredOption('--red-flag <label>', 'the label whose miss could harm')
    .option('--person-column <column>', 'whom a record is about', 'person')
    .option('--text-column <column>', 'what the model is asked', 'text')
    .option('--label-column <column>', 'the right label', 'label')
    .option('--labeller-column <column>', 'a clinician’s own label; at least two (labeller1, labeller2)', collect, [])
    .option('--card <file>', 'JSON with the facts below, which go before it')
    .option('--language <tag>', 'of the records')
    .option('--from <day>', 'first day of the records, 2026-01-31')
    .option('--to <day>', 'last day of the records')
    .option('--labeller <name>', 'a clinician who labelled; at least two for red flags', collect, [])
    .option('--approved-by <who>', 'who approved their use for evaluation')
    .option('--approved-on <day>', 'when')
    .option('--expires-on <day>', 'until when; 12 months at most');
}

type Options = Readonly<Record<string, unknown>>;

export function columnsOf(options: Options) {
  const { personColumn, textColumn, labelColumn, labellerColumn, labels, redFlag } = options as {
    readonly [name: string]: string;
  } & { readonly labellerColumn: string[] };
  return {
    personColumn: personColumn ?? 'person',
    textColumn: textColumn ?? 'text',
    labelColumn: labelColumn ?? 'label',
    labellerColumns: labellerColumn.length === 0 ? ['labeller1', 'labeller2'] : labellerColumn,
    labels: (labels ?? '').split(',').map((label) => label.trim()),
    redFlagLabel: redFlag ?? '',
  };
}

/** Facts of the command line over those of the file. What is missing or wrong, the agent names. */
export async function cardOf(
  options: Options,
  terminal: Parameters<typeof readJson>[1],
): Promise<Readonly<Record<string, unknown>>> {
  const { card, service, language, from, to, approvedBy, approvedOn, expiresOn } = options as Readonly<
    Record<string, string | undefined>
  >;
  const labellers = options['labeller'] as string[];
  const read = card === undefined ? {} : await readJson(card, terminal);
  if (typeof read !== 'object' || read === null || Array.isArray(read))
    throw new UsageError(`${card} is not a card.`, 'It is a JSON object; docs/cli.md shows one.');
  const given = {
    service,
    language,
    periodFrom: from,
    periodTo: to,
    approvedBy,
    approvedOn,
    expiresOn,
    ...(labellers.length === 0 ? {} : { labellers }),
  };
  return { ...read, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };
}
