/** A stand-in for an agent, for a test that kills it: it loads a model, starts a long reply, and says who answers. */
import { LlamaChild } from './llama-child.ts';
import { LlamaRuntime } from './llama-runtime.ts';
import { dirname } from 'node:path';

const [, , path = '', digest = ''] = process.argv;
const child = new LlamaChild({ readable: [dirname(path)] });
const runtime = new LlamaRuntime({ child });
await runtime.load({ key: 'one', base: { path, digest }, contextLength: 16_384, threads: 1, parallel: 1 });
const request = { model: 'one', prompt: '<s><usr>a<ans>', maxTokens: 16_000, temperature: 0, stop: [] };
let isSaid = false;
for await (const event of runtime.generate(request)) {
  if (event.type === 'text' && !isSaid) console.log(`answering ${child.pid}`);
  isSaid = true;
}
