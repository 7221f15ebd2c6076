export * from './events.ts';
export * from './ports.ts';
export * from './state.ts';
