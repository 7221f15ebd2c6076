export * from './model.ts';
export * from './change.ts';
export * from './expiry.ts';
export * from './template.ts';
