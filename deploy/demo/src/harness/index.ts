export * from './catalogue.ts';
export * from './network.ts';
export * from './paths.ts';
export * from './processes.ts';
export * from './relay.ts';
export * from './site.ts';
