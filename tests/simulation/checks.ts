import { isSame, type Entry, type Held } from '@openward/activation';
import type { VirtualWorld } from '@openward/activation/testing';
import type { DesiredState, HelloReply, Name, RolloutId } from '@openward/contracts';
import { EMPTY_LEDGER, firstBrokenRow } from '@openward/privacy';
import { maxConcurrentOf, outstandingPermits, type RolloutState } from '@openward/rollout';
import { stateOf } from '@openward/rollout/testing';
import { releaseOf } from './catalogue.ts';
import type { ControlPlane } from './control-plane.ts';
import type { Hospital } from './hospital.ts';
import { EPOCH } from './surroundings.ts';

const PERMIT_MS = 60_000;

/** The rules that hold at every moment, whatever dies or is lost; the first that is broken ends the run. */
export class Checks {
  broken: string | null = null;
  plane!: ControlPlane;
  hospitals: readonly Hospital[] = [];
  /** From when the person's answer came: nothing may serve there again. */
  halted: Hospital | null = null;
  readonly #seed: number;
  readonly #world: VirtualWorld;
  readonly #onWave: () => void;
  readonly #put = new Map<Name, number>();
  readonly #waves = new Set<string>();
  readonly #versions = new Map<string, number>();
  readonly #states = new Map<RolloutId, { readonly version: number; readonly state: RolloutState }>();
  #audited = 0;

  constructor(seed: number, world: VirtualWorld, onWave: () => void) {
    this.#seed = seed;
    this.#onWave = onWave;
    this.#world = world;
  }

  breakRule(rule: string): void {
    this.broken ??= `seed ${this.#seed} at ${Math.round(this.#world.time)}: ${rule}`;
  }

  /** Called before the gateway switches. */
  switching(hospital: Hospital, service: Name, held: Held): void {
    const { node, site, journal } = hospital;
    this.#world.note(`${node} serves release ${held.number}`);
    const record = journal.known.services[service];
    if (held.number === 3) this.breakRule(`${node} serves release 3`);
    if (held.number === 4 && site !== 'referral') this.breakRule(`${node} serves release 4`);
    if (!isSame(record?.active, held)) this.breakRule(`${node} serves what its journal does not say`);
    if (record?.halted === true) this.breakRule(`${node} serves a halted service`);
    if (journal.known.recalled.includes(held.release)) this.breakRule(`${node} serves a recalled release`);
  }

  /** Called before an entry of the node's journal is written. */
  entry(hospital: Hospital, entry: Entry): void {
    if (entry.kind !== 'activated') return;
    const { node, journal, asked, boots } = hospital;
    const id = journal.known.services[entry.service]?.attempt?.assignment.id ?? '';
    const question = asked.get(id);
    const isLiving =
      question !== undefined &&
      question.boot === boots &&
      this.plane.granted.has(question.nonce) &&
      this.#world.time - question.at <= PERMIT_MS;
    if (!isLiving) this.breakRule(`${node} activates ${id} under no living permit`);
    const at = journal.known.services[entry.service]?.attempt?.progress.at;
    // An entry that was lost with its machine was never made: the node asks, and activates, again.
    if (at !== 'evaluated') this.breakRule(`${node} activates ${id} from ${at}`);
    const unproven = this.hospitals.filter((it) => it !== hospital && isUnproven(it, id.split('.')[0]!));
    if (unproven.length > 0) this.breakRule(`${node} activates ${id} beside ${unproven[0]!.node}`);
    this.#world.note(`${node} activates ${id}`);
  }

  /** D3: no older state overtakes a newer one. */
  put(node: Name, frame: Uint8Array): void {
    const text = Buffer.from(frame).toString();
    const { generation } = JSON.parse(text.slice(text.indexOf('\n') + 1)) as DesiredState;
    const before = this.#put.get(node) ?? 0;
    if (generation.number < before) this.breakRule(`${node} is told ${generation.number} after ${before}`);
    this.#put.set(node, generation.number);
  }

  /** Faults pass. That a port was called against its contract is no fault, and a driver would try again for ever. */
  warning(node: Name, error: unknown): void {
    if (!(error instanceof Error)) return;
    if (/only after|only when|which is not loaded|before it was fetched|of other bytes/.test(error.message))
      this.breakRule(`${node}: ${error.message}`);
  }

  /** P8: what the network has of a node, for its hello. */
  lastAccepted(node: Name): Pick<HelloReply, 'ackedThrough' | 'ledger' | 'newestSeq'> {
    const { tables } = this.plane.stores;
    let newest: { readonly seq: number; readonly ledger: HelloReply['ledger'] } = { seq: 0, ledger: null };
    for (const { report } of tables.reports.values())
      if (report.node === node && report.seq > newest.seq) newest = report;
    return {
      ackedThrough: tables.nodes.get(node)?.ackedThrough ?? 0,
      ledger: newest.ledger,
      newestSeq: newest.seq,
    };
  }

  /** After every event. */
  look(): void {
    const { tables } = this.plane.stores;
    if (this.halted?.gateway.served.size) this.breakRule(`${this.halted.node} serves what its site has halted`);
    if (tables.readOnly !== null) this.breakRule('the control plane has become read-only');
    for (; this.#audited < tables.audit.length; this.#audited++) {
      const { action, rollout, wave, node, detail } = tables.audit[this.#audited]!;
      this.#world.note(`${rollout} ${action} ${wave ?? ''} ${node ?? ''} ${detail ?? ''}`);
      if (action !== 'waveStarted' && action !== 'wavePassed') continue;
      const mark = `${rollout} ${action} ${wave}`;
      if (this.#waves.has(mark)) this.breakRule(`a wave advances twice: ${mark}`);
      this.#waves.add(mark);
      if (action === 'waveStarted') this.#onWave();
    }
    for (const row of tables.rollouts.values()) {
      if (this.#versions.get(row.id) === row.version) continue;
      this.#versions.set(row.id, row.version);
      const state = this.stateOf(row.id);
      const outstanding = outstandingPermits(state, EPOCH + this.#world.time).length;
      if (outstanding > maxConcurrentOf(state)) this.breakRule(`${outstanding} permits of ${row.id} are outstanding`);
    }
  }

  /** When the story is over and nothing is under way. */
  end(): void {
    const { tables } = this.plane.stores;
    for (const { node, ledger, runtime, reconciler } of this.hospitals) {
      const wanted = reconciler?.state().work['triage']?.loaded ?? [];
      const left = [...runtime.loaded].filter((key) => !wanted.includes(key));
      if (left.length > 0) this.breakRule(`${left.length} models are left in the memory of ${node}`);
      const generation = tables.nodes.get(node)?.generation?.number;
      if (generation !== this.#put.get(node)) this.breakRule(`${node} was never told ${generation}`);
      const at = firstBrokenRow(ledger.rows);
      if (at !== null) this.breakRule(`the ledger of ${node} is broken at row ${at}`);
      const committed = [...tables.reports.values()].map(({ report }) => report).filter((it) => it.node === node);
      const seqs = committed.map(({ seq }) => seq).sort((a, b) => a - b);
      if (seqs.some((seq, i) => seq !== i + 1) || seqs.length !== ledger.newest)
        this.breakRule(`${node} wrote ${ledger.newest} reports, and committed are ${seqs.join()}`);
      if (ledger.queue.size > 0) this.breakRule(`${node} keeps ${ledger.queue.size} reports that are committed`);
      for (const report of committed) {
        const head = report.ledger.seq === 0 ? EMPTY_LEDGER.head : ledger.headAt(report.ledger.seq);
        if (head !== report.ledger.head) this.breakRule(`report ${report.seq} of ${node} is of another ledger`);
      }
    }
  }

  /** Parsed once for each version. */
  stateOf(id: RolloutId): RolloutState {
    const row = this.plane.stores.tables.rollouts.get(id)!;
    const known = this.#states.get(id);
    if (known?.version === row.version) return known.state;
    const state = stateOf(row);
    this.#states.set(id, { version: row.version, state });
    return state;
  }

  /** Of release `number`, what this hospital has on its disk and serves. */
  isOn(hospital: Hospital, number: number): boolean {
    const { digest } = releaseOf(number);
    return hospital.gateway.served.get('triage')?.release === digest;
  }
}

/** Between its switch and its probe: at most `maxConcurrent`, one here, of a rollout may be there (R4). */
function isUnproven({ journal }: Hospital, rollout: string): boolean {
  const attempt = journal.known.services['triage']?.attempt;
  const { progress, assignment } = attempt ?? {};
  return assignment?.rollout === rollout && progress?.at === 'activated' && !progress.watch.probed;
}
