export * from './document.ts';
export * from './frame.ts';
export * from './key-set.ts';
export * from './keys.ts';
export * from './nkeys.ts';
export * from './tls.ts';
