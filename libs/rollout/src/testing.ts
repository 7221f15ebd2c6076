export * from './memory-store.ts';
export * from './memory-tables.ts';
