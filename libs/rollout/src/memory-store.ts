import {
  assignmentId,
  canonicalJson,
  compareGenerations,
  instantOf,
  type Assignment,
  type Clock,
  type Name,
  type Report,
  type StateBody,
} from '@openward/contracts';
import { composeDesired } from './desired.ts';
import type { NodeInput } from './events.ts';
import { emptyTables, stateOf, type NodeRow, type RolloutRow, type Tables } from './memory-tables.ts';
import type {
  Change,
  DesiredTransport,
  NodeRef,
  OutboxStore,
  ReportStore,
  RolloutStore,
  Stored,
  Turn,
} from './ports.ts';
import type { RolloutState } from './state.ts';

// The stores of this library in memory, for tests and the simulation. JavaScript runs each method's body without a break, so
// each is one transaction; a failure can be put before or after any of them by wrapping the port.

export interface MemoryStores {
  readonly tables: Tables;
  readonly rollouts: RolloutStore;
  readonly outbox: OutboxStore;
  readonly reports: ReportStore;
  /** As enrolment would. */
  enrol(node: NodeRef): void;
  /** As the recall of a release would: each node's desired state carries it, so each has an outbox row. */
  recall(release: string): void;
}

export function memoryStores(clock: Pick<Clock, 'wall'>, tables: Tables = emptyTables()): MemoryStores {
  return {
    tables,
    rollouts: memoryRolloutStore(tables, clock),
    outbox: memoryOutbox(tables, clock),
    reports: memoryReportStore(tables, clock),
    enrol: ({ site, node }) => {
      tables.nodes.set(node, { site, node, generation: null, ackedThrough: 0, revoked: false, revision: 0 });
    },
    recall: (release) => {
      tables.recalled.push(release);
      for (const node of tables.nodes.keys()) raiseGeneration(tables, node, clock.wall());
    },
  };
}

function memoryRolloutStore(tables: Tables, clock: Pick<Clock, 'wall'>): RolloutStore {
  const turnRow = <R>(row: RolloutRow, names: readonly Name[] | 'all', turn: Turn<R>): { result: R } => {
    const state = stateOf(row);
    const now = clock.wall();
    const wanted = names === 'all' ? Object.keys(state.nodes) : names;
    const inputs = wanted.flatMap((name) => inputOf(tables, state, name) ?? []);
    const { change, result } = turn({ state, now, inputs, readOnly: tables.readOnly !== null });
    if (change !== null) write(tables, row, change, now);
    return { result };
  };
  return {
    async turnDue(engine, turn) {
      const now = clock.wall();
      const due = [...tables.rollouts.values()]
        .filter((row) => row.open && row.engine <= engine && row.dueAt !== null && row.dueAt <= now)
        .filter((row) => tables.readOnly === null || stateOf(row).life.kind === 'rollingBack')
        .sort((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0))[0];
      return due === undefined ? null : turnRow(due, 'all', turn);
    },
    async turnOne(id, inputsOf, turn) {
      const row = tables.rollouts.get(id);
      return row === undefined ? null : turnRow(row, inputsOf, turn);
    },
    async start(service, turn) {
      const now = clock.wall();
      const others = [...tables.rollouts.values()].filter((row) => row.service === service && row.open).map(stateOf);
      const { start, result } = turn({ now, readOnly: tables.readOnly !== null, others });
      if (start === null) return result;
      if (tables.rollouts.has(start.rollout.state.id)) throw new Error(`${start.rollout.state.id} is there already`);
      for (const change of start.others) write(tables, tables.rollouts.get(change.state.id) ?? null, change, now);
      write(tables, null, start.rollout, now);
      return result;
    },
    async openOf(release) {
      return [...tables.rollouts.values()].filter((row) => row.open && row.release === release).map((row) => row.id);
    },
    async read(id) {
      const row = tables.rollouts.get(id);
      return row === undefined ? null : { state: stateOf(row), version: row.version };
    },
  };
}

function write(tables: Tables, row: RolloutRow | null, change: Change, now: number): void {
  const text = change.state === null ? row?.text : JSON.stringify(change.state);
  if (text === undefined) throw new Error('a new rollout has no state');
  const state = JSON.parse(text) as RolloutState;
  tables.rollouts.set(state.id, {
    id: state.id,
    service: state.service,
    release: state.plan.release.digest,
    engine: state.engine,
    version: change.state === null ? (row?.version ?? 1) : (row?.version ?? 0) + 1,
    open: change.open,
    dueAt: change.dueAt,
    nodes: Object.keys(state.nodes),
    text,
  });
  const told = new Set<Name>();
  for (const effect of change.effects) {
    if (effect.kind === 'audit') tables.audit.push(effect.entry);
    if (effect.kind !== 'setAssignment') continue;
    setAssignment(tables, effect.node, effect.assignment);
    told.add(effect.node);
  }
  for (const node of told) raiseGeneration(tables, node, now);
}

function setAssignment(tables: Tables, node: Name, assignment: Assignment): void {
  const ofNode = tables.assignments.get(node) ?? new Map<Name, Assignment>();
  ofNode.set(assignment.service, structuredClone(assignment));
  tables.assignments.set(node, ofNode);
}

function raiseGeneration(tables: Tables, name: Name, now: number): void {
  const node = tables.nodes.get(name);
  if (node === undefined) return;
  const number = (node.generation?.number ?? 0) + 1;
  tables.nodes.set(name, { ...node, generation: { epoch: tables.epoch, number } });
  tables.outbox.push({ site: node.site, node: name, generation: number, at: now, leasedUntil: 0 });
}

function inputOf(tables: Tables, rollout: RolloutState, name: Name): NodeInput | null {
  const newest = tables.states.get(name);
  const attempt = rollout.nodes[name]?.attempt;
  if (attempt === undefined) return null;
  const evidence = tables.evidence.get(assignmentId(rollout.id, name, attempt));
  if (newest === undefined) return null;
  return {
    node: name,
    boot: newest.boot,
    seq: newest.seq,
    at: newest.at,
    service: newest.body.services.find((it) => it.service === rollout.service) ?? null,
    evidence: evidence?.body ?? null,
  };
}

function memoryReportStore(tables: Tables, clock: Pick<Clock, 'wall'>): ReportStore {
  return {
    async append(report, dueInMs, contradiction = null): Promise<Stored> {
      const node = tables.nodes.get(report.node);
      if (node === undefined || node.revoked || node.site !== report.site) return { kind: 'unknownNode' };
      const key = `${report.node} ${report.boot} ${report.seq}`;
      const held = node.generation;
      if (tables.reports.has(key)) {
        return { kind: 'duplicate', ackedBefore: node.ackedThrough, ackedThrough: node.ackedThrough, held };
      }
      const now = clock.wall();
      tables.reports.set(key, { report: structuredClone(report), at: now });
      const isNews = contradiction === null && keepNewest(tables, report, now);
      const ackedThrough = acknowledge(tables, node, report.seq);
      if (isNews) markDue(tables, report.node, now + dueInMs);
      return { kind: 'stored', ackedBefore: node.ackedThrough, ackedThrough, held };
    },
    async voices() {
      const enrolled = [...tables.nodes.values()].filter((it) => !it.revoked);
      const isAhead = ({ node, generation }: NodeRow): boolean => {
        const said = tables.states.get(node)?.body.generation ?? null;
        return said !== null && (generation === null || compareGenerations(said, generation) > 0);
      };
      const sitesOf = (nodes: readonly NodeRow[]): Name[] => [...new Set(nodes.map((it) => it.site))];
      return { ahead: sitesOf(enrolled.filter(isAhead)), enrolledSites: sitesOf(enrolled).length };
    },
    async noteLoneVoice(why) {
      if (!tables.loneVoices.some((it) => it.node === why.node)) tables.loneVoices.push(why);
    },
    async enterReadOnly(why) {
      tables.readOnly ??= why;
    },
  };
}

/** Whether it became the newest, and says what the one before did not. */
function keepNewest(tables: Tables, report: Report, at: number): boolean {
  const { boot, seq, body, node } = structuredClone(report);
  if (body.type === 'state') {
    const before = tables.states.get(node);
    if (seq <= (before?.seq ?? 0)) return false;
    tables.states.set(node, { boot, seq, at, body });
    return before === undefined || meaningOf(before.body) !== meaningOf(body);
  }
  if (seq <= (tables.evidence.get(body.assignment)?.seq ?? 0)) return false;
  tables.evidence.set(body.assignment, { boot, seq, at, body });
  return true;
}

const meaningOf = (said: StateBody): string => canonicalJson({ ...said, uptimeHours: 0 });

/** D4: the highest contiguous sequence. */
function acknowledge(tables: Tables, node: NodeRow, seq: number): number {
  const seqs = tables.seqs.get(node.node) ?? new Set<number>();
  tables.seqs.set(node.node, seqs.add(seq));
  let { ackedThrough } = node;
  while (seqs.has(ackedThrough + 1)) ackedThrough += 1;
  tables.nodes.set(node.node, { ...node, ackedThrough });
  return ackedThrough;
}

function markDue(tables: Tables, node: Name, at: number): void {
  for (const row of tables.rollouts.values()) {
    if (!row.open || !row.nodes.includes(node)) continue;
    tables.rollouts.set(row.id, { ...row, dueAt: Math.min(row.dueAt ?? at, at) });
  }
}

function memoryOutbox(tables: Tables, clock: Pick<Clock, 'wall'>): OutboxStore {
  const ofNode = (node: NodeRef) => tables.outbox.filter((row) => row.node === node.node);
  return {
    async claim(limit, leaseMs) {
      const now = clock.wall();
      const leased = new Set(tables.outbox.filter((row) => row.leasedUntil > now).map((row) => row.node));
      const free = new Map(tables.outbox.filter((row) => !leased.has(row.node)).map((row) => [row.node, row]));
      const claimed = [...free.values()].slice(0, limit).map(({ site, node }) => ({ site, node }));
      for (const node of claimed) for (const row of ofNode(node)) row.leasedUntil = now + leaseMs;
      return claimed;
    },
    async newest(ref) {
      const row = tables.nodes.get(ref.node);
      if (row === undefined || row.revoked || row.generation === null) return null;
      const state = composeDesired({
        site: row.site,
        node: row.node,
        generation: row.generation,
        issuedAt: instantOf(clock.wall()),
        ackedThrough: row.ackedThrough,
        assignments: [...(tables.assignments.get(ref.node)?.values() ?? [])],
        recalled: tables.recalled,
      });
      return { state, revision: row.revision };
    },
    async done(ref, put) {
      const row = tables.nodes.get(ref.node);
      if (row !== undefined && put.revision > row.revision) {
        tables.nodes.set(ref.node, { ...row, revision: put.revision });
      }
      tables.outbox = tables.outbox.filter((it) => it.node !== ref.node || it.generation > put.generation.number);
      for (const it of ofNode(ref)) it.leasedUntil = 0;
    },
    async drop(ref) {
      tables.outbox = tables.outbox.filter((it) => it.node !== ref.node);
    },
    async putOff(ref, afterMs) {
      for (const row of ofNode(ref)) row.leasedUntil = clock.wall() + afterMs;
    },
  };
}

export interface MemoryBucket extends DesiredTransport {
  readonly values: Map<Name, { readonly bytes: Uint8Array; readonly revision: number }>;
}

/** The bucket of desired states. `onPut` is where a simulated network hands the value on. */
export function memoryBucket(
  onPut: (node: NodeRef, bytes: Uint8Array, revision: number) => void = () => {},
): MemoryBucket {
  const values: MemoryBucket['values'] = new Map();
  let last = 0;
  return {
    values,
    async put(node, bytes, expected) {
      if ((values.get(node.node)?.revision ?? 0) !== expected) return { kind: 'conflict' };
      last += 1;
      values.set(node.node, { bytes, revision: last });
      onPut(node, bytes, last);
      return { kind: 'put', revision: last };
    },
    async revision(node) {
      return values.get(node.node)?.revision ?? 0;
    },
  };
}
