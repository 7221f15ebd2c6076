export * from './model.ts';
export * from './change.ts';
export * from './expiry.ts';
export * from './template.ts';
export * from './describe.ts';
export * from './diff.ts';
export * from './folder.ts';
export { type DiffLine, differenceText } from './text-diff.ts';
export { visible } from './visible.ts';
