import { parentPort, workerData } from 'node:worker_threads';
import { checkPolicy, NO_SITE_TERMS } from '@openward/policy';

// Judges one policy, and ends.

const checking = checkPolicy(workerData, NO_SITE_TERMS, () => performance.now());
parentPort?.postMessage(checking.kind === 'ok' ? [] : checking.findings);
