import type { Step } from '../fixture.ts';

/** What befalls the network's own side. */
export const controlPlane = {
  isKilled: (): Step => (world) => world.network.controlPlane.kill9(),
  starts: (): Step => (world) => world.network.restart(),
  hasAReplica: (): Step => (world) => world.network.startReplica(),
};
