import type { Report } from '@openward/contracts';
import {
  assignmentOf,
  type AuditAction,
  type Change,
  type NodeRef,
  type OutboxStore,
  type ReportStore,
  type RolloutState,
  type RolloutStore,
} from '@openward/rollout';
import { aRollout, aState, memoryStores } from '@openward/rollout/testing';
import { withDatabase } from '@openward/testkit';
import { MIGRATED, openOn, putNode } from './testing-fixtures.ts';

// What the drivers of rollouts rely on, held by the store in memory and by PostgreSQL alike.

export interface World extends AsyncDisposable {
  readonly rollouts: RolloutStore;
  readonly outbox: OutboxStore;
  readonly reports: ReportStore;
  enrol(node: NodeRef): Promise<void>;
  revoke(node: NodeRef): Promise<void>;
  auditActions(): Promise<readonly AuditAction[]>;
}

async function inMemory(): Promise<World> {
  const stores = memoryStores({ wall: () => Date.now() });
  const { tables } = stores;
  return {
    ...stores,
    enrol: async (node) => stores.enrol(node),
    revoke: async ({ node }) => {
      const row = tables.nodes.get(node);
      if (row !== undefined) tables.nodes.set(node, { ...row, revoked: true });
    },
    auditActions: async () => tables.audit.map((it) => it.action),
    async [Symbol.asyncDispose]() {},
  };
}

async function onPostgres(): Promise<World> {
  const opened = openOn(await withDatabase(MIGRATED));
  const { db, rolloutStore, outbox, reports } = opened.persistence;
  return {
    rollouts: rolloutStore,
    outbox,
    reports,
    enrol: (node) => putNode(db, node),
    revoke: async ({ node }) => {
      await db.updateTable('nodes').set({ revoked_at: new Date() }).where('name', '=', node).execute();
    },
    auditActions: async () => {
      const rows = await db
        .selectFrom('audit')
        .where('subject', 'like', 'rollout:%')
        .orderBy('id')
        .selectAll()
        .execute();
      return rows.map((it) => it.action as AuditAction);
    },
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

export const refOf = (node: string): NodeRef => ({ site: `${node}-hospital`, node });
export const BOOT = '00000000-0000-4000-8000-000000000001';
const LEDGER = { seq: 1, head: `sha256:${'0'.repeat(64)}` };
export const ENGINE = 1;
export const QUIET = { effects: [], dueAt: null, open: true } as const;

export function aReport(node: string, seq: number, body: Report['body'] = aState(), boot = BOOT): Report {
  return { v: 1, ...refOf(node), boot, seq, ledger: LEDGER, body };
}

/** As `aRollout`, with an id of its own. */
export function rolloutOf(nodes: readonly string[], id = 'ro-aaaaaaaa'): RolloutState {
  return { ...aRollout([nodes]), id };
}

export function changeOf(state: RolloutState, more: Partial<Change> = {}): Change & { readonly state: RolloutState } {
  const effects = Object.keys(state.nodes).flatMap((node) => {
    const assignment = assignmentOf(state, node);
    return assignment === null ? [] : [{ kind: 'setAssignment' as const, ...refOf(node), assignment }];
  });
  return { effects, dueAt: null, open: true, ...more, state };
}

export async function startIn(world: World, state: RolloutState, more: Partial<Change> = {}): Promise<void> {
  for (const node of Object.keys(state.nodes)) await world.enrol(refOf(node));
  await world.rollouts.start(state.service, () => ({
    start: { rollout: changeOf(state, more), others: [] },
    result: null,
  }));
}

export const audited = (state: RolloutState, action: AuditAction) => ({
  kind: 'audit' as const,
  entry: {
    at: state.startedAt,
    by: 'ada',
    action,
    rollout: state.id,
    planHash: state.plan.hash,
    wave: null,
    node: null,
    reason: null,
    detail: null,
  },
});

export const dueNow = (): number => Date.now() - 1000;
/** The pause that an admin made: any change will do. */
export const changed = (state: RolloutState): RolloutState => ({ ...state, wave: state.wave + 1 });
export const newestOf = async (world: World, node: string) => (await world.outbox.newest(refOf(node)))?.state ?? null;

/** Each contract is held by both. */
export const WORLDS: readonly (readonly [name: string, open: () => Promise<World>])[] = [
  ['in memory', inMemory],
  ['on PostgreSQL', onPostgres],
];
