import type { Clearer } from '@openward/contracts';

/** One thing that a person here should know, and what they can do about it. */
export interface Finding {
  readonly level: 'ok' | 'warning' | 'problem';
  readonly what: string;
  readonly why: string;
  readonly clearedBy: Clearer | null;
  readonly next: string;
}

export const finding = (
  level: Finding['level'],
  what: string,
  why: string,
  next: string,
  clearedBy: Clearer | null = null,
): Finding => ({ level, what, why, clearedBy, next });
