import type { Assignment } from '@openward/contracts';
import type { EvaluationResult } from '../model.ts';
import type { Evaluate } from '../ports.ts';
import { RESULTS } from './documents.ts';
import type { Life } from './life.ts';
import { between } from './world.ts';

/** Quarters as they pass, then the result that the simulation says; one that throws rejects. */
export const simulatedEvaluate = (
  life: Life,
  judging: (assignment: Assignment) => EvaluationResult = () => RESULTS.pass,
): Evaluate => ({
  evaluate: async ({ assignment }, progress, signal) => {
    for (let quarter = 1; quarter <= 4; quarter++) {
      await life.answer(between(life.world, 5, 400), () => progress(quarter), signal);
    }
    return judging(assignment);
  },
  terms: () => 'terms',
});
