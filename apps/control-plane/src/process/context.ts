import type { Log, Timers } from '@openward/contracts';
import type { ArtifactStore } from '@openward/distribution';
import type { Authority, ControlPlaneLink, EngineLink } from '@openward/messaging';
import type { Telemetry } from '@openward/observability';
import type { Persistence } from '@openward/persistence';
import type { Config } from '../config.ts';
import type { EventHub } from '../events/event-hub.ts';
import type { SigningKeys } from '../keys/signing-keys.ts';
import type { Wake } from './wake.ts';

// What one process of the control plane is made of. `boot.ts` makes it; everything else is given the parts that it needs, by
// these names.

export interface Links {
  /** JetStream: streams, desired states, chunks. */
  readonly engine: EngineLink;
  /** Answers to nodes. */
  readonly rpc: ControlPlaneLink<'rpc'>;
  /** Account claims. */
  readonly sys: ControlPlaneLink<'sys'>;
}

/** The address in enrolment tokens: known once the process listens. */
export interface PublicAddress {
  url: string;
}

export interface Context {
  readonly config: Config;
  readonly log: Log;
  readonly store: Persistence;
  readonly links: Links;
  readonly authority: Authority;
  readonly keys: SigningKeys;
  readonly artifacts: ArtifactStore;
  readonly events: EventHub;
  readonly telemetry: Telemetry;
  readonly address: PublicAddress;
  readonly timers: Timers;
  /** Of the two loops; whoever commits something for them wakes them. */
  readonly wakes: { readonly ticks: Wake; readonly relay: Wake };
  readonly version: string;
}

export const CONTEXT = Symbol('context');
