export * from './disclosure-gate.driver.ts';
export * from './ledger.ts';
export * from './outbox.driver.ts';
export * from './ports.ts';
