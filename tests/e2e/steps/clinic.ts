import { until } from '@openward/testkit';
import { expect, onTestFinished } from 'vitest';
import type { Step } from '../fixture.ts';
import { ask, type Answer } from './hospital.ts';

/** An application that asks all the while, however long the last answer takes. */
export function clinicAt(name: string, service: string, everyMs = 100) {
  const answers: Answer[] = [];
  const failed: unknown[] = [];
  const open = new Set<Promise<unknown>>();
  let timer: NodeJS.Timeout | undefined;
  const end = async (): Promise<void> => {
    clearInterval(timer);
    await Promise.all(open);
  };

  return {
    begins: (): Step => (world) => {
      const send = (): void => {
        const asked: Promise<unknown> = ask(world, name, service)
          .then((answer) => (answer.status === 200 ? answers : failed).push(answer))
          .catch((error: unknown) => failed.push(error))
          .finally(() => open.delete(asked));
        open.add(asked);
      };
      timer = setInterval(send, everyMs);
      onTestFinished(end);
    },
    isAnsweredBy:
      (release: number): Step =>
      () =>
        until(() => answers.some((answer) => answer.release === String(release)), {
          within: 20_000,
          every: 5,
          what: `${name} is answered by release ${release}`,
        }),
    /** Every one of its questions was answered, by each of these releases at least once and by no other. */
    wasAnsweredBy:
      (...releases: readonly number[]): Step =>
      async () => {
        await end();
        expect(failed).toEqual([]);
        expect(new Set(answers.map(({ release }) => Number(release)))).toEqual(new Set(releases));
      },
    answers: (): readonly Answer[] => answers,
  };
}
