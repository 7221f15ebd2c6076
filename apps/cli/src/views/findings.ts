import type { Clearer } from '@openward/contracts';
import { table } from '../table.ts';
import type { Paint, Tone } from '../terminal.ts';
import { agoOf } from '../words.ts';
import { CLEARER } from './rollout.ts';

interface Finding {
  readonly level: 'ok' | 'warning' | 'problem';
  readonly what: string;
  readonly why: string;
  readonly next: string;
  readonly since?: string | null | undefined;
  readonly clearedBy?: Clearer | null;
}

/** Beside each row stands whether the network is connected. */
const BY: Readonly<Record<Clearer, string>> = { ...CLEARER, network: 'the network' };

const LEVEL: Readonly<Record<Finding['level'], Tone>> = { ok: 'good', warning: 'warn', problem: 'bad' };

/** What is wrong first; then what is well. */
export function findingsText(findings: readonly Finding[], now: number, paint: Paint): string {
  const order = ['problem', 'warning', 'ok'];
  const sorted = findings.toSorted((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
  return table(
    ['', 'what', 'why', 'since', 'next'],
    sorted.map(({ level, what, why, since, next, clearedBy }) => [
      paint(LEVEL[level], level),
      what,
      why,
      since === undefined ? '-' : agoOf(since, now),
      [next, clearedBy == null ? '' : `(cleared by ${BY[clearedBy]})`].filter(Boolean).join(' ') || '-',
    ]),
  );
}
