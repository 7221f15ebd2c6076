import type { LoadRequest } from '../port.ts';

/** An Ollama as the choice sees it: what it serves already, and the names that it has stored. */
export interface Candidate {
  readonly held: readonly LoadRequest[];
  readonly hasStored: boolean;
}

/**
 * Which of several Ollamas takes a set. One keeps a base in memory once, with one adapter and one context: a second set on
 * that base would make it load anew at each switch. So the set goes where its base is not, or is the very same; of those,
 * where it is stored already, then where least is held. Nothing where none is left.
 */
export function placeFor(request: LoadRequest, candidates: readonly Candidate[]): number | undefined {
  const fitting = [...candidates.entries()].filter(([, { held }]) =>
    held.every((other) => other.base.digest !== request.base.digest || runsAlike(other, request)),
  );
  fitting.sort(([, a], [, b]) => Number(b.hasStored) - Number(a.hasStored) || a.held.length - b.held.length);
  return fitting[0]?.[0];
}

/** Ollama serves both from one copy in memory. */
export const runsAlike = (a: LoadRequest, b: LoadRequest): boolean =>
  a.base.digest === b.base.digest &&
  a.adapter?.digest === b.adapter?.digest &&
  a.contextLength === b.contextLength &&
  a.threads === b.threads;
