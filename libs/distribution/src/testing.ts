export { type DiskChance, type DiskLife, SimulatedDisk, simulatedStore } from './simulated-store.fixture.ts';
