import { parseArgs } from 'node:util';

export const SECTIONS = ['transfer', 'control', 'gateway', 'policy', 'switch', 'agent', 'resume'] as const;
export type SectionName = (typeof SECTIONS)[number];

export interface Options {
  /** Of the file that is transferred. */
  readonly sizeBytes: number;
  /** Of the file that is transferred once, for the memory of it. */
  readonly largeBytes: number;
  /** Each side of a comparison runs once a round, in turn, so that a noisy minute meets all of them. */
  readonly rounds: number;
  /** How long each load on the gateway lasts, and each measurement on a slow line. In seconds. */
  readonly seconds: number;
  readonly only: readonly SectionName[];
  readonly write: boolean;
}

export const MIB = 1024 * 1024;

export const USAGE = `npm run bench -- [--size MiB] [--large MiB] [--rounds N] [--seconds S] [--only ${SECTIONS.join(',')}] [--write]

  --size     of the file that is transferred, 256 when left out
  --large    of the file that is transferred once, to see its memory, 1024 when left out
  --rounds   each side of a comparison runs once a round, 3 when left out
  --seconds  of each load and each slow line, 1.5 when left out
  --only     some of the sections, with commas
  --write    puts what was measured into docs/benchmarks.md`;

/** Throws an error with the usage when an argument is none of these. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      size: { type: 'string', default: '256' },
      large: { type: 'string', default: '1024' },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '1.5' },
      only: { type: 'string', default: SECTIONS.join(',') },
      write: { type: 'boolean', default: false },
    },
  });
  const only = values.only.split(',');
  const unknown = only.find((name) => !SECTIONS.some((section) => section === name));
  if (unknown !== undefined) throw new Error(`There is no section ${JSON.stringify(unknown)}.\n\n${USAGE}`);
  return {
    sizeBytes: positive(values.size, '--size') * MIB,
    largeBytes: positive(values.large, '--large') * MIB,
    rounds: Math.ceil(positive(values.rounds, '--rounds')),
    seconds: positive(values.seconds, '--seconds'),
    only: SECTIONS.filter((name) => only.includes(name)),
    write: values.write,
  };
}

function positive(text: string, name: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new Error(`${name} is a number above 0, and not ${JSON.stringify(text)}.\n\n${USAGE}`);
}
