import { writeFile } from 'node:fs/promises';
import { benchAgent } from './agent.ts';
import { benchControl } from './control.ts';
import { documentOf } from './document.ts';
import { benchGateway } from './gateway.ts';
import { load } from './machine.ts';
import { readOptions, type Options, type SectionName } from './options.ts';
import { benchPolicy } from './policy.ts';
import { benchSwitch } from './release-switch.ts';
import { sectionText, type Section } from './report.ts';
import { benchResume } from './resume.ts';
import { openPlace, type Place } from './transfer/place.ts';
import { benchTransfer } from './transfer.ts';

// `npm run bench`: Openward beside a named peer, in one run on one machine, and beside its budgets. Times are shown and
// never asserted: a slow machine fails nothing.

const BENCHES: Readonly<Record<SectionName, (place: Place, options: Options) => Promise<Section>>> = {
  transfer: benchTransfer,
  control: benchControl,
  gateway: benchGateway,
  policy: benchPolicy,
  switch: benchSwitch,
  agent: benchAgent,
  resume: benchResume,
};
const DOCUMENT = new URL('../../docs/benchmarks.md', import.meta.url);

async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  const [began, loadBefore] = [performance.now(), load()];
  const place = await openPlace();
  const sections: Section[] = [];
  try {
    for (const name of options.only) {
      const section = await BENCHES[name](place, options);
      sections.push(section);
      console.log(`\n${sectionText(section)}`);
    }
  } finally {
    await place.close();
  }
  const [seconds, loadAfter] = [(performance.now() - began) / 1000, load()];
  console.log(`\n${seconds.toFixed(0)} s; load ${loadBefore} before and ${loadAfter} after.`);
  if (!options.write) return;
  const command = ['npm run bench', ...(args.length > 0 ? ['--', ...args] : [])].join(' ');
  const natsVersion = place.nats.info.version;
  await writeFile(DOCUMENT, documentOf({ sections, natsVersion, loadBefore, loadAfter, seconds, command }));
  console.log('Written to docs/benchmarks.md.');
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
