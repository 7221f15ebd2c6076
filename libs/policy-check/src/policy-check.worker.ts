import { parentPort, workerData } from 'node:worker_threads';
import { checkPolicy } from '@openward/policy';
import type { ToJudge } from './judge-policy.ts';

// Judges one policy, and ends. What it found is data; rules that are ready to serve are made where they serve.

const { policy, terms } = workerData as ToJudge;
const checking = checkPolicy(policy, terms, () => performance.now());
parentPort?.postMessage(checking.kind === 'ok' ? [] : checking.findings);
