export * from './memory-store.ts';
export * from './memory-tables.ts';
export * from './testing-fixtures.ts';
