import { parentPort } from 'node:worker_threads';
import { checkPolicy, type ClinicalChanges, clinicalChanges, type PolicyFinding } from '@openward/policy';
import type { ToDo } from './judge-policy.ts';

// Judges one policy after the other, or reads clinical sentences under it, until it is ended. What it found is data; rules that are
// ready to serve are made where they serve, and nothing of one policy is kept for the next.

const clock = (): number => performance.now();
/** Of this thread, outside of its heap. */
const memory = (): number => process.memoryUsage().arrayBuffers;

function done({ does, policy, terms }: ToDo): readonly PolicyFinding[] | ClinicalChanges {
  if (does === 'clinical') return clinicalChanges(policy, terms, clock);
  const checking = checkPolicy(policy, terms, clock, memory);
  return checking.kind === 'ok' ? [] : checking.findings;
}

parentPort?.on('message', (toDo: ToDo) => parentPort?.postMessage(done(toDo)));
