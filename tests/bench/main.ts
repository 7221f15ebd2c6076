import { readOptions, type Options, type SectionName } from './options.ts';
import { sectionText, type Section } from './report.ts';
import { openPlace, type Place } from './transfer/place.ts';
import { benchControl } from './control.ts';
import { benchGateway } from './gateway.ts';
import { benchTransfer } from './transfer.ts';

// `npm run bench`: Openward beside a named peer, in one run on one machine, and beside its budgets. Times are shown and
// never asserted: a slow machine fails nothing.

type Bench = (place: Place, options: Options) => Promise<Section>;
const BENCHES: Partial<Readonly<Record<SectionName, Bench>>> = {
  transfer: benchTransfer,
  control: benchControl,
  gateway: benchGateway,
};

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  const place = await openPlace();
  try {
    for (const name of options.only) {
      const section = await BENCHES[name]?.(place, options);
      if (section) console.log(`\n${sectionText(section)}`);
    }
  } finally {
    await place.close();
  }
}

await main();
