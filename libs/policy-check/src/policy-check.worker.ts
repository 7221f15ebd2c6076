import { parentPort } from 'node:worker_threads';
import { checkPolicy } from '@openward/policy';
import type { ToJudge } from './judge-policy.ts';

// Judges one policy after the other, until it is ended. What it found is data; rules that are ready to serve are made where they
// serve, and nothing of one policy is kept for the next.

parentPort?.on('message', ({ policy, terms }: ToJudge) => {
  const checking = checkPolicy(policy, terms, () => performance.now());
  parentPort?.postMessage(checking.kind === 'ok' ? [] : checking.findings);
});
