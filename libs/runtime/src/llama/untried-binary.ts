import { registerHooks } from 'node:module';

// Before it loads its binary, node-llama-cpp loads it in a process of its own, so that a binary that crashes takes nothing
// along. Here it runs in such a process already; a second one would double the time of each start and trial, and would have to be
// allowed to start processes.

const TRIAL = '/node-llama-cpp/dist/bindings/utils/testBindingBinary.js';
const UNTRIED = 'export const testBindingBinary = async () => true;';

registerHooks({
  load: (url, context, load) =>
    url.endsWith(TRIAL) ? { format: 'module', source: UNTRIED, shortCircuit: true } : load(url, context),
});
