export * from './find.ts';
export * from './install.ts';
export * from './start.ts';
