import {
  DesiredState,
  type Assignment,
  type AssignmentStatus,
  type EvidenceBody,
  type Log,
  type NodeStep,
  type OwnEvidence,
  type Report,
  type Tier,
} from '@openward/contracts';
import { command, start, type Command } from './command.driver.ts';
import { DEFAULT_ENGINE_SETTINGS } from './events.ts';
import { ingestReport } from './ingest.driver.ts';
import { memoryBucket, memoryStores } from './memory-store.ts';
import { answerPermit } from './permit.driver.ts';
import { plan } from './plan.ts';
import type { NodeFacts } from './plan-facts.ts';
import { relayOnce } from './relay.driver.ts';
import { seconds, sentence, told } from './scenario-words.fixture.ts';
import { offerOf } from './start.ts';
import { aDigest, aNode, aRelease, aRequest, aState, factsOf, NODE_CLASS, T0 } from './testing-fixtures.ts';
import { tickOnce } from './tick.driver.ts';
import { viewOf } from './view.ts';

const LOG: Log = {
  info: () => {},
  warn: () => {},
  error: (event, fields) => {
    throw new Error(event, { cause: fields?.['error'] });
  },
};

export interface Hospital {
  readonly name: string;
  readonly tier: Tier;
  readonly threads: number;
  seq: number;
  isCutOff: boolean;
  pinned: boolean;
  active: string | null;
  lastGood: string | null;
  /** The newest desired state that reached it. */
  heard: DesiredState | null;
  missed: DesiredState | null;
  status: AssignmentStatus | null;
}

/** The control plane with its stores in memory, and the hospitals as it hears of them. Everything goes through the real drivers. */
export class Network {
  now = T0;
  rollouts = 0;
  current = 'ro-none0000';
  readonly hospitals = new Map<string, Hospital>();
  readonly said: string[] = [];
  audited = 0;
  readonly stores = memoryStores({ wall: () => this.now });
  readonly bucket = memoryBucket((ref, bytes) =>
    this.deliver(ref.node, DesiredState.parse(JSON.parse(Buffer.from(bytes).toString()))),
  );
  readonly relay = {
    outbox: this.stores.outbox,
    transport: this.bucket,
    signer: { sealDesired: async (state: DesiredState) => Buffer.from(JSON.stringify(state)) },
    timers: { sleep: async () => {} },
    log: LOG,
  };

  site(name: string, tier: Tier, threads: number): void {
    this.hospitals.set(name, {
      name,
      tier,
      threads,
      seq: 0,
      isCutOff: false,
      pinned: false,
      active: null,
      lastGood: null,
      heard: null,
      missed: null,
      status: null,
    });
    this.stores.enrol({ site: `${name}-hospital`, node: name });
  }

  hospital(name: string): Hospital {
    const found = this.hospitals.get(name);
    if (found === undefined) throw new Error(`there is no hospital ${name}`);
    return found;
  }

  deliver(node: string, desired: DesiredState): void {
    const it = this.hospital(node);
    this.said.push(
      `${node}${it.isCutOff ? ', out of reach,' : ''} ${told(desired.services[0]?.assignment ?? null, desired)}`,
    );
    if (it.isCutOff) it.missed = desired;
    else this.hear(it, desired);
  }

  hear(it: Hospital, desired: DesiredState): void {
    const assignment = desired.services[0]?.assignment ?? null;
    if (assignment?.id !== it.status?.assignment) it.status = null;
    if (assignment?.phase === 'complete' && it.active === assignment.release.digest) it.lastGood = it.active;
    it.heard = desired;
    it.missed = null;
  }

  assignment(it: Hospital): Assignment {
    const found = it.heard?.services[0]?.assignment;
    if (!found) throw new Error(`${it.name} has been offered nothing`);
    return found;
  }

  async report(it: Hospital, body: Report['body']): Promise<void> {
    if (it.isCutOff) throw new Error(`${it.name} is cut off and cannot report`);
    it.seq += 1;
    const boot = '00000000-0000-4000-8000-000000000001';
    const ledger = { seq: it.seq, head: aDigest('ledger') };
    await ingestReport(
      this.stores.reports,
      LOG,
      { v: 1, site: `${it.name}-hospital`, node: it.name, boot, seq: it.seq, ledger, body },
      { coalesceMs: 0 },
    );
  }

  async reportState(it: Hospital): Promise<void> {
    const { active, lastGood, pinned, status } = it;
    const state = {
      service: 'triage',
      active,
      lastGood,
      anchor: null,
      serving: active === null ? ('notServing' as const) : ('serving' as const),
      pinned,
    };
    await this.report(
      it,
      aState({
        generation: it.heard?.generation ?? null,
        class: { ...NODE_CLASS, threads: it.threads },
        services: [status === null ? state : { ...state, assignment: status }],
      }),
    );
  }

  async say(it: Hospital, step: NodeStep, more: Partial<AssignmentStatus> = {}): Promise<void> {
    const { id, planHash } = this.assignment(it);
    it.status = {
      restarts: 0,
      ...(it.status?.gate === undefined ? {} : { gate: it.status.gate }),
      ...more,
      assignment: id,
      planHash,
      step,
    };
    await this.reportState(it);
  }

  async evidence(it: Hospital, bundled: OwnEvidence, own: OwnEvidence): Promise<void> {
    const { id, planHash, release, variant, suite } = this.assignment(it);
    const body: EvidenceBody = {
      type: 'evidence',
      assignment: id,
      planHash,
      release: release.digest,
      variantFile: variant.artifact.file,
      suite: suite.digest,
      runtimeVersion: '3.21.1',
      bundled: { ...bundled, gates: [] },
      own,
    };
    await this.report(it, body);
  }

  facts(): NodeFacts[] {
    return [...this.hospitals.values()].map((it) => {
      const { name, tier, threads, active, lastGood, pinned } = it;
      const base = aNode(name, { tier, reported: { active, lastGood, pinned } });
      return { ...base, reported: { ...base.reported!, class: { ...base.reported!.class, threads } } };
    });
  }

  async start(
    release: number,
    waves: string[][],
    settings: Record<string, unknown>,
    supersede: boolean,
  ): Promise<void> {
    const facts = factsOf(this.facts(), { document: aRelease(release), recalled: this.stores.tables.recalled });
    const request = aRequest({
      release,
      settings,
      waves: waves.map((names) => ({ by: 'sites', sites: names.map((name) => `${name}-hospital`) })),
    });
    const made = plan(request, facts);
    if ('kind' in made) return void this.said.push(`refused: ${made.code}, ${made.why}`);
    for (const it of made.warnings) this.said.push(`the plan warns: ${it.code}, ${it.detail}`);
    this.rollouts += 1;
    const id = `ro-rollout${this.rollouts}`;
    const order = { id, by: 'ada', plan: made, offer: offerOf(facts), supersede };
    const outcome = await start(this.stores.rollouts, 'triage', order, DEFAULT_ENGINE_SETTINGS);
    if (outcome.kind === 'refused') this.said.push(`refused: ${outcome.code}, ${outcome.why}`);
    else this.current = id;
  }

  async command(asked: Command): Promise<void> {
    const outcome = await command(this.stores.rollouts, this.current, asked, DEFAULT_ENGINE_SETTINGS);
    if (outcome.kind === 'refused') this.said.push(`refused: ${outcome.code}, ${outcome.why}`);
  }

  async ask(it: Hospital): Promise<void> {
    const { id, planHash, release } = this.assignment(it);
    const request = { v: 1, nonce: 'n'.repeat(22), assignment: id, planHash, release: release.digest } as const;
    const { answer } = await answerPermit(this.stores.rollouts, it.name, request, DEFAULT_ENGINE_SETTINGS);
    this.said.push(
      answer.granted
        ? `${it.name} has a permit for ${answer.lifetimeMs / 1000} s`
        : `${it.name} has no permit: ${answer.why}`,
    );
  }

  /** Until nothing is due and nothing waits to be put. */
  async settle(): Promise<void> {
    while (await tickOnce(this.stores.rollouts, LOG, DEFAULT_ENGINE_SETTINGS));
    for (const entry of this.stores.tables.audit.slice(this.audited)) {
      const text = sentence(entry);
      if (text !== null) this.said.push(text);
    }
    this.audited = this.stores.tables.audit.length;
    while (await relayOnce(this.relay, { limit: 100, leaseMs: 1000, idleMs: 0, afterErrorMs: 0 }));
  }

  async show(): Promise<void> {
    const found = await this.stores.rollouts.read(this.current);
    if (found === null) throw new Error('there is no rollout');
    const view = viewOf(found.state, found.version, this.now);
    this.said.push(
      `release ${view.release.number} is ${view.status}, at wave ${view.wave + 1} of ${view.waves.length}`,
    );
    for (const it of view.waits)
      this.said.push(
        `  waits: ${it.code}, since ${seconds(it.since)}, cleared by ${it.clearedBy}: ${it.what.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, seconds)}`,
      );
    for (const it of view.nodes) {
      const facts = [
        it.step ?? 'not reached',
        ...(it.reason === null ? [] : [it.reason]),
        ...(it.late ? ['late'] : []),
        ...(it.owed ? ['owed'] : []),
      ];
      this.said.push(`  ${it.node}: ${it.standing}, ${facts.join(', ')}`);
      for (const wait of it.waits)
        this.said.push(
          `    waits: ${wait.code}, since ${seconds(wait.since)}, cleared by ${wait.clearedBy}: ${wait.what}`,
        );
    }
  }
}
