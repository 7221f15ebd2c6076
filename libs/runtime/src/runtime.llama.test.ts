import { testRuntime } from './contract.ts';
import { LlamaChild } from './llama/llama-child.ts';
import { LlamaRuntime } from './llama/llama-runtime.ts';

testRuntime('embedded llama.cpp', async (folder) => {
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
});
