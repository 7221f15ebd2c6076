export * from './frame-context.ts';
export * from './frame-server.ts';
export * from './jetstream-server.ts';
export * from './rpc-server.ts';
