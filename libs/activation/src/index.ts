export * from './events.ts';
export * from './journal.ts';
export * from './model.ts';
export * from './offers.ts';
export * from './ports.ts';
export * from './reconciler.driver.ts';
