export * from './logger.ts';
export * from './metrics.ts';
export * from './telemetry.ts';
export * from './trace-context.ts';
