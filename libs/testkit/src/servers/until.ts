import { setTimeout as pause } from 'node:timers/promises';

export interface Patience {
  /** How long to go on asking, in milliseconds. */
  readonly within: number;
  /** How long to wait between two questions, in milliseconds. */
  readonly every?: number;
  /** What was waited for, for the error. */
  readonly what: string;
}

/** Asks until the answer is neither undefined nor false, and returns it; throws at the deadline, or when `ask` throws. */
export async function until<T>(
  ask: () => T | Promise<T>,
  { within, every = 20, what }: Patience,
): Promise<Exclude<Awaited<T>, undefined | false>> {
  const deadline = performance.now() + within;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer as Exclude<Awaited<T>, undefined | false>;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${within} ms`);
    await pause(every);
  }
}
