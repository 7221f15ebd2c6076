export * from './servers/ports.ts';
export * from './servers/child.ts';
export * from './servers/nats.ts';
export * from './servers/postgres.ts';
export * from './servers/fixtures.ts';
export * from './ollama/index.ts';
export * from './servers/until.ts';
export * from './nats-network.ts';
