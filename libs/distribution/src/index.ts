export { createMemoryStore } from './artifact-store.ts';
export * from './chunking.ts';
export { type DirectoryStoreOptions, openDirectoryStore } from './directory-store.fs.ts';
export { type Gguf, type GgufMetadata, type GgufTensor, parseGguf, readGguf } from './gguf.ts';
export * from './manifest.ts';
export * from './ports.ts';
export * from './registered.ts';
export * from './removal.ts';
