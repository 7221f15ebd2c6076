import { statfsSync } from 'node:fs';
import type { NodeClass, Version } from '@openward/contracts';
import type { RuntimeDescription } from '@openward/runtime';
import type { AgentConfig } from '../config.ts';

/** P6: hardware as a class. Memory down to a power of two of GiB, so that no plan counts on what is not there; free disk to 5 %. */
export function nodeClass(config: AgentConfig, runtime: RuntimeDescription): NodeClass {
  const { blocks, bavail } = statfsSync(config.dataDir);
  const freePercent = blocks === 0 ? 0 : (bavail / blocks) * 100;
  return {
    threads: config.runtime.threads,
    memoryGiB: Math.max(1, 2 ** Math.floor(Math.log2(config.runtime.memoryGiB))),
    diskFreePercent: Math.floor(freePercent / 5) * 5,
    runtime: runtime.kind,
    runtimeVersion: asVersion(runtime.version),
    runtimeSafe: runtime.knownSafe ? 'safe' : config.runtime.allowUnsafeVersion ? 'unsafeAllowed' : 'refused',
  };
}

/** A runtime's own words for its version, in the form in which versions are reported. */
export const asVersion = (text: string): Version => {
  const cleaned = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]/g, '-')
    .slice(0, 39);
  return /^[a-z0-9]/.test(cleaned) ? cleaned : 'unknown';
};
