import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEMO, MODEL, registerPolicy } from '@openward/demo/harness';
import type { Step } from '../fixture.ts';

// A GGUF that is sound to every check of its header and that no runtime knows how to run.

const FILE = 'triage-nano-1.f16.gguf';

/** The architecture is one of the same length that llama.cpp has never heard of. */
function unloadable(): Uint8Array {
  const bytes = readFileSync(join(DEMO, 'models', FILE));
  const at = bytes.indexOf('llama', bytes.indexOf('general.architecture'));
  bytes.write('lhama', at);
  return bytes;
}

export const haveUnloadableModel: Step = async ({ network: { api, dir } }) => {
  const path = join(dir, 'unloadable.gguf');
  writeFileSync(path, unloadable());
  await api.pushModel({
    file: path,
    name: 'triage-unknown',
    version: '1',
    variant: 'f16',
    template: MODEL.template,
    contextLength: MODEL.contextLength,
    needs: { threads: 1, memoryBytes: 64 * 2 ** 20 },
  });
};

export const releaseOfUnloadableModel =
  (service: string): Step =>
  async ({ network: { api } }) =>
    api.releases.create({
      service,
      change: 'base',
      model: { name: 'triage-unknown', version: '1' },
      policy: await registerPolicy(api),
      parameters: MODEL.parameters,
      suite: { name: `${service}-safety`, version: 1 },
    });
