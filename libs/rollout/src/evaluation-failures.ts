import type { EvaluationFailure } from '@openward/contracts';

/** What happened, and what to do: for whoever reads it of a rollout, at the network. */
export const EVALUATION_FAILURES: Readonly<Record<EvaluationFailure, string>> = {
  contextTooLong:
    'the system prompt with an item of the suite is longer than the model reads: shorten the policy’s system prompt or the item, or take a model with a longer context',
  policyFailed:
    'a rule of the policy could not be applied to an item: push a revision that passes `openward policy test`',
  modelNotLoadable: 'the model did not come up: the log of the node says why',
  needsSwap: 'the node cannot hold it beside what serves: add an Ollama or memory there, and plan again',
  digestMismatch:
    'the file that the node holds is not the one of the release: it fetches it anew with the next attempt',
  targetMissing: 'the release that it is compared with is not there any more: plan again',
  runtimeUnreachable: 'the model runtime of the node does not answer: hospital IT starts it',
  runtimeUnsafeVersion: 'the model runtime of the node is of a version that is refused: hospital IT upgrades it',
  runtimeExited: 'the model runtime ended meanwhile: the log of the node says why',
  runtimeFailed: 'the model runtime refused or failed: the log of the node says why',
  internal: 'something went wrong that should not have: the log of the node says what',
};
