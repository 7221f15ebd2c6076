export * from './documents.ts';
export { Life } from './life.ts';
export { MemoryJournal } from './memory-journal.ts';
export * from './simulated-disk.ts';
export { simulatedEvaluate } from './simulated-evaluate.ts';
export * from './simulated-gateway.ts';
export * from './simulated-node.ts';
export { SimulatedRuntime } from './simulated-runtime.ts';
export { between, type SimulatedWorld, VirtualWorld } from './world.ts';
