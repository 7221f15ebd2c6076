import { statfsSync } from 'node:fs';
import type { NodeClass, Version } from '@openward/contracts';
import type { RuntimeDescription } from '@openward/runtime';
import type { AgentConfig } from '../config.ts';

const GIB = 2 ** 30;

/** P6: hardware as a class, all of it rounded down, so that no plan counts on what is not there. */
export function nodeClass(config: AgentConfig, runtime: RuntimeDescription): NodeClass {
  const { bsize, blocks, bavail } = statfsSync(config.dataDir);
  const freePercent = blocks === 0 ? 0 : (bavail / blocks) * 100;
  return {
    threads: config.runtime.threads,
    memoryGiB: toPowerOfTwo(config.runtime.memoryGiB, 65_536),
    diskGiB: toPowerOfTwo((bsize * blocks) / GIB, 1_048_576),
    diskFreePercent: Math.floor(freePercent / 5) * 5,
    runtime: runtime.kind,
    runtimeServers: runtime.kind === 'ollama' ? Math.min(8, Math.max(1, config.runtime.ollamaUrls.length)) : 1,
    runtimeVersion: asVersion(runtime.version),
    runtimeSafe: runtime.knownSafe ? 'safe' : config.runtime.allowUnsafeVersion ? 'unsafeAllowed' : 'refused',
  };
}

/** Down, and within what a report may say. */
const toPowerOfTwo = (gib: number, most: number): number =>
  gib < 2 ? 1 : Math.min(most, 2 ** Math.floor(Math.log2(gib)));

/** A runtime's own words for its version, in the form in which versions are reported. */
export const asVersion = (text: string): Version => {
  const cleaned = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]/g, '-')
    .slice(0, 39);
  return /^[a-z0-9]/.test(cleaned) ? cleaned : 'unknown';
};
