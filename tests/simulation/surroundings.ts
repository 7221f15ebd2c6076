import type { Ids, Log, Name, Random } from '@openward/contracts';
import { between, type VirtualWorld } from '@openward/activation/testing';
import { signingKeyFromSeed } from '@openward/trust';
import type { Checks } from './checks.ts';

// What every machine of the simulation shares: virtual time, seeded chance, and a network that is bad while chaos lasts.

export const SILENT: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };
export const RUNTIME_VERSION = '3.21.1';
export const EPOCH = Date.UTC(2026, 0, 5, 8);

export const NETWORK_KEY = signingKeyFromSeed(Buffer.alloc(32, 7).toString('base64url'));

const hexOf = (world: VirtualWorld, length: number): string =>
  Array.from({ length }, () => between(world, 0, 16).toString(16)).join('');

export const seededIds = (world: VirtualWorld): Ids => ({
  uuid: () => [8, 4, 4, 4, 12].map((length) => hexOf(world, length)).join('-'),
  nonce: () => hexOf(world, 22),
});

export const chanceOf = (world: VirtualWorld): { chance(): number; between(from: number, to: number): number } => ({
  chance: () => world.random(),
  between: (from, to) => between(world, from, to),
});

export const seededRandom = (world: VirtualWorld): Random => ({
  bytes: (length) => Uint8Array.from({ length }, () => between(world, 0, 256)),
});

export interface Surroundings {
  readonly seed: number;
  readonly world: VirtualWorld;
  readonly link: BadNetwork;
  readonly checks: Checks;
  /** While it lasts, messages are lost and machines die. */
  readonly isChaotic: () => boolean;
}

/** Loses, delays and repeats what it carries. What is on its way when a node is cut off still arrives; nothing new sets out. */
export class BadNetwork {
  readonly #world: VirtualWorld;
  readonly #isChaotic: () => boolean;
  readonly #cut = new Set<Name>();
  readonly #waiting = new Map<Name, Set<() => void>>();
  readonly #reconnected: ((node: Name) => void)[] = [];

  constructor(world: VirtualWorld, isChaotic: () => boolean) {
    this.#world = world;
    this.#isChaotic = isChaotic;
  }

  isCut(node: Name): boolean {
    return this.#cut.has(node);
  }

  cut(node: Name): void {
    this.#cut.add(node);
    this.#world.note(`${node} is cut off`);
  }

  mend(node: Name): void {
    if (!this.#cut.delete(node)) return;
    this.#world.note(`${node} is connected again`);
    for (const go of this.#waiting.get(node) ?? []) go();
    this.#waiting.delete(node);
    for (const listener of this.#reconnected) listener(node);
  }

  onReconnected(listener: (node: Name) => void): void {
    this.#reconnected.push(listener);
  }

  whenConnected(node: Name): Promise<void> {
    if (!this.isCut(node)) return Promise.resolve();
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(node) ?? new Set();
      this.#waiting.set(node, waiting.add(resolve));
    });
  }

  /** To or from the node. A late second copy does not hang on the first one's arrival. */
  carry(node: Name, run: () => void): void {
    if (this.isCut(node)) return;
    const world = this.#world;
    const isBad = this.#isChaotic();
    if (!isBad || world.random() < 0.92) world.at(between(world, 1, isBad ? 400 : 40), run);
    if (isBad && world.random() < 0.1) world.at(between(world, 1, 30_000), run);
  }
}

export function repeat(world: VirtualWorld, least: number, most: number, run: () => void): void {
  const again = (): void => {
    run();
    world.at(between(world, least, most), again);
  };
  world.at(between(world, least, most), again);
}
