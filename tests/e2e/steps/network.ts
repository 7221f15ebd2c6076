import type { Step } from '../fixture.ts';

/** What befalls the network's own side. */
export const controlPlane = {
  isKilled: (): Step => (world) => world.network.controlPlane.kill9(),
  starts: (): Step => (world) => world.network.restart(),
  /** Its signing key is another from now on, and the old one is good for nothing (K1). */
  changesItsKeys: (): Step => async (world) => {
    await world.network.controlPlane.kill9();
    await world.network.rotateKeys();
    await world.network.restart();
  },
  hasAReplica: (): Step => (world) => world.network.startReplica(),
};
