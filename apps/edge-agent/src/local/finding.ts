import type { Clearer } from '@openward/contracts';

/** One thing that a person here should know, and what they can do about it. */
export interface Finding {
  readonly level: 'ok' | 'warning' | 'problem';
  readonly what: string;
  readonly why: string;
  readonly clearedBy: Clearer | null;
  readonly next: string;
  /** An instant, where the node knows since when it is so. */
  readonly since?: string;
}

export const finding = (
  level: Finding['level'],
  what: string,
  why: string,
  next: string,
  clearedBy: Clearer | null = null,
): Finding => ({ level, what, why, clearedBy, next });

/** `ms`: since 1970. */
export const since = (ms: number, found: Finding): Finding => ({ ...found, since: new Date(ms).toISOString() });
