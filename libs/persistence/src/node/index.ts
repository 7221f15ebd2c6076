export * from './api-keys.ts';
export * from './database.ts';
export * from './evaluation-store.ts';
export * from './journal.ts';
export * from './ledger-store.ts';
export * from './policy-hits.ts';
export * from './site-policy.ts';
export * from './term-verdicts.ts';
