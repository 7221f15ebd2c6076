import type { EngineSettings } from '@openward/rollout';
import type { Config } from '../config.ts';

export const engineSettings = ({ engine }: Config): EngineSettings => ({
  rollBackPatienceMs: engine.rollBackPatienceMs,
  permitLifetimeMs: engine.permitLifetimeMs,
});
