export * from './port.ts';
export * from './refusal.ts';
export { LlamaChild, type LlamaChildOptions } from './llama/llama-child.ts';
export { LlamaRuntime, type LlamaRuntimeOptions } from './llama/llama-runtime.ts';
export { openVocabulary, type KnownVocabulary } from './llama/vocabulary.ts';
