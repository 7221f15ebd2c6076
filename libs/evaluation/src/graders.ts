import type { Grader } from '@openward/contracts';

/** Whether a reply is right, by the suite's grader. The reply is read here and nowhere else: only the outcome is kept. */
export function isRight(grader: Grader, expected: string, reply: string): boolean {
  switch (grader) {
    case 'labelExact':
      return reply.trim() === expected;
  }
}
