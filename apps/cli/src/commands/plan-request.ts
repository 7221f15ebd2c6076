import type { PlanRequest } from '@openward/contracts';
import type { z } from 'zod';
import { parseCount, parseDuration, parseNumber, parseSelector, parseWave, readJson } from '../parse.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

type Request = z.input<typeof PlanRequest>;
type Settings = NonNullable<Request['settings']>;

/** A file, options over it, or options alone. What is given on the command line goes before what stands in the file. */
export async function planRequestOf(
  file: string | undefined,
  options: Readonly<Record<string, unknown>>,
  terminal: Pick<Terminal, 'readStdin'>,
): Promise<Request> {
  const read = file === undefined ? {} : await readJson(file, terminal);
  if (typeof read !== 'object' || read === null || Array.isArray(read))
    throw new UsageError(`${file} is not a plan’s request.`, 'It is a JSON object; docs/cli.md shows one.');
  const given = read as Partial<Request>;
  const { service, release, select, wave } = options as {
    service?: string;
    release?: string;
    select?: string[];
    wave?: string[];
  };
  const request = {
    ...given,
    ...(service === undefined ? {} : { service }),
    ...(release === undefined ? {} : { release: parseCount(release, '--release') }),
    ...(select === undefined || select.length === 0 ? {} : { select: { labels: parseSelector(select) } }),
    ...(wave === undefined || wave.length === 0 ? {} : { waves: wave.map(parseWave) }),
  };
  if (request.service === undefined || request.release === undefined) {
    throw new UsageError(
      'Which release is not said.',
      'Give --service and --release, or a FILE with service and release.',
    );
  }
  const settings = { ...given.settings, ...settingsOf(options, given.settings) };
  return { ...request, ...(Object.keys(settings).length === 0 ? {} : { settings }) } as Request;
}

/** As the contract's own defaults: a soak that is given alone takes the rest from there. */
const SOAK = { soakMs: 3_600_000, errorShare: 0.05, minRequests: 20, restarts: 3, probeTimeoutMs: 30_000 };

function settingsOf(options: Readonly<Record<string, unknown>>, given: Settings | undefined): Settings {
  const of = options as Readonly<Record<string, string | undefined>>;
  const { tolerated, quorum, deadline, soak, maxConcurrent, onFail, seed } = of;
  return {
    ...(tolerated === undefined ? {} : { tolerated: parseNumber(tolerated, '--tolerated') }),
    ...(quorum === undefined ? {} : { quorum: parseNumber(quorum, '--quorum') }),
    ...(deadline === undefined ? {} : { waveDeadlineMs: parseDuration(deadline, '--deadline') }),
    ...(soak === undefined ? {} : { soak: { ...SOAK, ...given?.soak, soakMs: parseDuration(soak, '--soak') } }),
    ...(maxConcurrent === undefined ? {} : { maxConcurrent: parseNumber(maxConcurrent, '--max-concurrent') }),
    ...(onFail === undefined ? {} : { onFail: onFail as NonNullable<Settings['onFail']> }),
    ...(seed === undefined ? {} : { seed: parseNumber(seed, '--seed') }),
    ...(options['prefetch'] === false ? { prefetch: false } : {}),
  };
}
