import { describe } from 'vitest';

import { testRuntime, type OpenRuntime } from './contract.ts';
import { testDemoModels } from './demo-models.ts';
import { LlamaChild } from './llama/llama-child.ts';
import { LlamaRuntime } from './llama/llama-runtime.ts';

const open: OpenRuntime = async (folder) => {
  const child = new LlamaChild({ readable: [folder] });
  const runtime = new LlamaRuntime({ child });
  return {
    runtime,
    kill: async () => {
      if (child.pid !== undefined) process.kill(child.pid, 'SIGKILL');
    },
    startAgain: async () => undefined,
    stores: async () => false,
    close: async () => {
      await runtime.close();
      await child.close();
    },
  };
};

describe('embedded llama.cpp', () => {
  testRuntime(open);
});

describe('embedded llama.cpp, with the models of the demo', () => {
  testDemoModels(open);
});
