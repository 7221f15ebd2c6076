import { describeMachine } from './machine.ts';
import { asMarkdown, sectionMarkdown, type Section } from './report.ts';

export interface Run {
  readonly sections: readonly Section[];
  readonly natsVersion: string;
  readonly loadBefore: string;
  readonly loadAfter: string;
  readonly seconds: number;
  readonly command: string;
}

/** docs/benchmarks.md, whole: what one run measured, and where. */
export function documentOf({ sections, natsVersion, loadBefore, loadAfter, seconds, command }: Run): string {
  const machine = [
    ...describeMachine(natsVersion),
    {
      what: 'load before and after',
      is: `${loadBefore} and ${loadAfter} (one minute's average; the bench is part of the second)`,
    },
    { what: 'the run', is: `\`${command}\`, ${Math.round(seconds)} s` },
  ];
  const missed = sections.flatMap(({ verdicts }) => verdicts).filter(({ held }) => !held);
  return [
    '# Benchmarks',
    'Written by `npm run bench -- --write`: do not edit. Every comparison is of one run on one machine, the sides in turn, since figures of two machines, or of two hours on a shared one, say little. The ratios are what to look at; budgets are those of the design. No test asserts a time.',
    missed.length === 0
      ? 'In this run every budget that was measured was held.'
      : `In this run ${missed.length === 1 ? 'one budget was' : `${missed.length} budgets were`} not held: ${missed.map(({ what }) => what).join('; ')}.`,
    '## Where it ran',
    asMarkdown({ head: ['', ''], rows: machine.map(({ what, is }) => [what, is]) }).replace('---:', '---'),
    ...sections.map(sectionMarkdown),
    '## What is not measured here',
    'An hour of load, a thousand nodes and idle cost belong to the load tests. TLS is left out on all sides of the transfer. Portkey, LiteLLM and `oras` are not run: the bare proxy and the HTTP download stand for them, and are faster than either gateway.',
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n');
}
