import type { DesiredState } from '@openward/contracts';
import type { Command, CommandAnswer } from './events.ts';
import type { NodeState } from './model.ts';
import type { Offer } from './offers.ts';
import type { Ports, StatePart } from './ports.ts';

/** The node's reconcile loop. One for each agent; `done` rejects when the journal cannot be trusted any more. */
export interface Reconciler {
  /** A verified desired state. An older one than the newest known is ignored (D6). */
  desired(doc: DesiredState): void;
  /** Resolves when the answer is durable. */
  command(command: Command): Promise<CommandAnswer>;
  /** What waits for a person here. */
  offers(): readonly Offer[];
  /** What the network may see, for the report that the agent sends every ten minutes. */
  report(): StatePart;
  state(): NodeState;
  /** Ends the tasks beside, and resolves when the effect that runs has ended. What is served is left as it is. */
  stop(): Promise<void>;
  readonly done: Promise<void>;
}

export type StartReconciler = (ports: Ports) => Reconciler;
