import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import {
  DesiredState,
  type Assignment,
  type AssignmentStatus,
  type EvidenceBody,
  type Log,
  type NodeStep,
  type OwnEvidence,
  type ReasonCode,
  type Report,
  type Tier,
  type WaitCode,
} from '@openward/contracts';
import { describe, expect, it } from 'vitest';
import { command, start, type Command } from './command.driver.ts';
import { DEFAULT_ENGINE_SETTINGS, type AuditEntry } from './events.ts';
import { ingestReport } from './ingest.driver.ts';
import { memoryBucket, memoryStores } from './memory-store.ts';
import { answerPermit } from './permit.driver.ts';
import { plan } from './plan.ts';
import type { NodeFacts } from './plan-facts.ts';
import { relayOnce } from './relay.driver.ts';
import { offerOf } from './start.ts';
import { aDigest, aNode, aRelease, aRequest, factsOf, releaseDigest, T0 } from './testing-fixtures.ts';
import { tickOnce } from './tick.driver.ts';
import { viewOf } from './view.ts';

// Reads `scenarios/*.txt`: lines of what happens, a line of dashes, and what the control plane does about it. All of it goes
// through the real drivers on the stores in memory. UPDATE_SCENARIOS=1 writes the answers down; read the difference.

const FOLDER = new URL('../scenarios/', import.meta.url);
const LOG: Log = {
  info: () => {},
  warn: () => {},
  error: (event, fields) => {
    throw new Error(event, { cause: fields?.['error'] });
  },
};

interface Hospital {
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

class Network {
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
    await this.report(it, {
      type: 'state',
      agentVersion: '0.1.0',
      protocol: 1,
      generation: it.heard?.generation ?? null,
      class: {
        threads: it.threads,
        memoryGiB: 4,
        diskGiB: 256,
        diskFreePercent: 50,
        runtime: 'llamaCpp',
        runtimeServers: 1,
        runtimeVersion: '3.21.1',
        runtimeSafe: 'safe',
      },
      uptimeHours: 1,
      services: [status === null ? state : { ...state, assignment: status }],
      suites: [],
    });
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

const seconds = (instant: string): string => `${(Date.parse(instant) - T0) / 1000} s`;
const numberOf = (digest: string | null): string => {
  const found = [1, 2, 3, 4, 5].find((number) => releaseDigest(number) === digest);
  return digest === null ? 'nothing' : `release ${found ?? '?'}`;
};

function told(assignment: Assignment | null, desired: DesiredState): string {
  if (desired.recalled.length > 0 && assignment === null)
    return `knows that ${numberOf(desired.recalled[0]!)} is recalled`;
  if (assignment === null) return 'is told nothing';
  const recalled = desired.recalled.includes(assignment.release.digest) ? ' (recalled)' : '';
  const release = `release ${assignment.release.number}${recalled}`;
  const nth = assignment.attempt === 1 ? '' : `, attempt ${assignment.attempt}`;
  const words: Record<Assignment['phase'], string> = {
    prepare: `may prepare ${release} as ${assignment.variant.name}${nth}`,
    proceed: `may proceed with ${release} as ${assignment.variant.name}${nth}`,
    commit: `is to commit ${release}${nth}`,
    complete: `has ${release} as its last good${nth}`,
    withdraw: `is to drop ${release}${nth}`,
    rollBack: `is to go back from ${release} to ${numberOf(assignment.rollbackTarget)}${nth}`,
  };
  return words[assignment.phase];
}

function sentence(entry: AuditEntry): string | null {
  const wave = `wave ${(entry.wave ?? 0) + 1}`;
  const detail = entry.detail === null || entry.detail === '' ? '' : `: ${entry.detail}`;
  const words: Record<AuditEntry['action'], string | null> = {
    rolloutStarted: `${entry.by} starts the rollout`,
    waveStarted: `${wave} begins`,
    wavePassed: `${wave} passes`,
    waveFailed: `${wave} fails${detail}`,
    waveInconclusive: `${wave} is inconclusive`,
    waveWaived: `${entry.by} waives ${wave}${detail}`,
    nodeFailed: `${entry.node} has failed${entry.reason === null ? '' : `: ${entry.reason}`}`,
    permitGranted: null,
    paused: `paused: ${entry.reason}`,
    resumed: `no longer paused: ${entry.reason}`,
    aborted: 'the rollout is aborted',
    rollBackStarted: `the rollout is rolled back${detail}`,
    rollBackOwed: `${entry.node} owes its way back`,
    rolledBack: `the rollout has been rolled back${detail}`,
    completed: 'the rollout is complete',
    lateAttempt: `${entry.node} comes late, as a wave of its own`,
    retried: `${entry.by} lets ${entry.node} try again`,
    harmNotice: `${entry.by} sends a notice of harm`,
    recalled: `${entry.by} recalls the release`,
    takenOver: `taken over: ${entry.detail}`,
  };
  return words[entry.action];
}

type Act = (network: Network, match: RegExpExecArray) => Promise<void> | void;
const PASS: OwnEvidence = { verdict: 'pass', reason: 'withinMargin' };
const FAIL: OwnEvidence = { verdict: 'fail', reason: 'marginExceeded' };
const gate = (evidence: OwnEvidence, waivedBySite = false) => ({ ...evidence, waivedBySite });
const of =
  (act: (network: Network, it: Hospital, match: RegExpExecArray) => Promise<void> | void): Act =>
  (network, match) =>
    act(network, network.hospital(match[1]!), match);

/** Every sentence that a scenario may use. */
const SENTENCES: readonly (readonly [RegExp, Act])[] = [
  [
    /^site (\w+) (referral|district|primary), (\d+) threads?$/,
    (network, m) => network.site(m[1]!, m[2] as Tier, Number(m[3])),
  ],
  [
    /^start release (\d+): (.+)$/,
    async (network, m) => {
      const [waves = '', ...options] = m[2]!.split(';').map((part) => part.trim());
      const names = waves.split('|').map((wave) => wave.split(',').map((name) => name.trim()));
      await network.start(Number(m[1]), names, settingsOf(options), options.includes('superseding'));
    },
  ],
  [/^(\d+) s pass$/, (network, m) => void (network.now += Number(m[1]) * 1000)],
  [/^(\w+) is cut off$/, of((_, it) => void (it.isCutOff = true))],
  [
    /^(\w+) is back$/,
    of(async (network, it) => {
      it.isCutOff = false;
      if (it.missed !== null) network.hear(it, it.missed);
      await network.reportState(it);
    }),
  ],
  [
    /^(\w+) is at (\w+)(?:, waiting for (\w+))?$/,
    of((network, it, m) => network.say(it, m[2] as NodeStep, m[3] === undefined ? {} : { waitsFor: m[3] as WaitCode })),
  ],
  [
    /^(\w+) passes its gates$/,
    of(async (network, it) => {
      await network.evidence(it, PASS, PASS);
      await network.say(it, 'awaitingPermit', { gate: gate(PASS) });
    }),
  ],
  [
    /^(\w+) fails on the bundled items$/,
    of(async (network, it) => {
      await network.evidence(it, FAIL, PASS);
      await network.say(it, 'failed', { outcome: 'noChange', reason: 'gateFailed', gate: gate(FAIL) });
    }),
  ],
  [
    /^(\w+) fails on its own records$/,
    of(async (network, it) => {
      await network.evidence(it, PASS, FAIL);
      await network.say(it, 'failed', { outcome: 'noChange', reason: 'gateFailed', gate: gate(FAIL) });
    }),
  ],
  [
    /^(\w+) has too few records to tell$/,
    of(async (network, it) => {
      const tooFew: OwnEvidence = { verdict: 'inconclusive', reason: 'tooFew' };
      await network.evidence(it, PASS, tooFew);
      await network.say(it, 'awaitingConsent', { waitsFor: 'gateInconclusive', gate: gate(tooFew) });
    }),
  ],
  [
    /^(\w+) accepts the inconclusive result by name$/,
    of((network, it) =>
      network.say(it, 'awaitingPermit', { gate: gate({ verdict: 'inconclusive', reason: 'tooFew' }, true) }),
    ),
  ],
  [/^(\w+) asks for a permit$/, of((network, it) => network.ask(it))],
  [
    /^(\w+) goes live$/,
    of(async (network, it) => {
      it.active = network.assignment(it).release.digest;
      await network.say(it, 'active', { soak: 'running' });
    }),
  ],
  [/^(\w+) soaks well$/, of((network, it) => network.say(it, 'active', { soak: 'ok' }))],
  [/^(\w+) has too many errors in its soak$/, of((network, it) => network.say(it, 'active', { soak: 'over' }))],
  [/^(\w+) soaks with too few requests$/, of((network, it) => network.say(it, 'active', { soak: 'tooFewRequests' }))],
  [
    /^(\w+) goes back$/,
    of(async (network, it) => {
      it.active = network.assignment(it).rollbackTarget;
      await network.say(it, 'rolledBack', { outcome: 'rolledBack', reason: 'rolledBackByNetwork' });
    }),
  ],
  [
    /^(\w+) goes back by itself: (\w+)$/,
    of(async (network, it, m) => {
      it.active = network.assignment(it).rollbackTarget;
      await network.say(it, 'failed', { outcome: 'rolledBack', reason: m[2] as ReasonCode });
    }),
  ],
  [
    /^(\w+) drops it$/,
    of((network, it) => network.say(it, 'superseded', { outcome: 'noChange', reason: 'withdrawn' })),
  ],
  [
    /^(\w+) rejects it$/,
    of((network, it) => network.say(it, 'rejected', { outcome: 'noChange', reason: 'rejectedBySite' })),
  ],
  [
    /^(\w+) (pins|unpins) the service$/,
    of(async (network, it, m) => {
      it.pinned = m[2] === 'pins';
      await network.reportState(it);
    }),
  ],
  [/^(\w+) reports$/, of((network, it) => network.reportState(it))],
  [/^the admin pauses$/, (network) => network.command({ kind: 'pause', by: 'ada', detail: null })],
  [
    /^the admin resumes(?: after the harm)?$/,
    (network, m) =>
      network.command({ kind: 'resume', by: 'ada', codes: m[0].endsWith('harm') ? ['harmNotice'] : ['byAdmin'] }),
  ],
  [/^the admin aborts$/, (network) => network.command({ kind: 'abort', by: 'ada' })],
  [/^the admin rolls back$/, (network) => network.command({ kind: 'rollBack', by: 'ada', reason: 'told to' })],
  [
    /^the admin waives wave (\d+): (.+)$/,
    (network, m) => network.command({ kind: 'waive', by: 'ada', wave: Number(m[1]) - 1, reason: m[2]! }),
  ],
  [/^the admin retries (\w+)$/, (network, m) => network.command({ kind: 'retry', by: 'ada', node: m[1]! })],
  [
    /^the admin recalls release (\d+)$/,
    async (network, m) => {
      network.stores.recall(releaseDigest(Number(m[1])));
      for (const id of await network.stores.rollouts.openOf(releaseDigest(Number(m[1])))) {
        await command(
          network.stores.rollouts,
          id,
          { kind: 'recall', by: 'ada', reason: 'harm' },
          DEFAULT_ENGINE_SETTINGS,
        );
      }
    },
  ],
  [
    /^(\w+) sends a notice of harm$/,
    (network, m) => network.command({ kind: 'harm', site: `${m[1]}-hospital`, detail: null }),
  ],
  [/^show$/, (network) => network.show()],
];

function settingsOf(options: readonly string[]): Record<string, unknown> {
  const settings: Record<string, unknown> = { maxConcurrent: 1 };
  for (const option of options) {
    const [, words = '', value = ''] = /^(.*?) ?([\d.]*)(?: s| %)?$/.exec(option) ?? [];
    if (words === 'quorum') settings['quorum'] = Number(value) / 100;
    else if (words === 'deadline') settings['waveDeadlineMs'] = Number(value) * 1000;
    else if (words === 'canary deadline') settings['canaryDeadlineMs'] = Number(value) * 1000;
    else if (words === 'tolerated') settings['tolerated'] = Number(value);
    else if (words === 'at once') settings['maxConcurrent'] = Number(value);
    else if (words === 'on failure pause') settings['onFail'] = 'pause';
    else if (words === 'on failure roll back the wave') settings['onFail'] = 'rollBackWave';
    else if (words === 'no prefetch') settings['prefetch'] = false;
    else if (words !== 'superseding') throw new Error(`unknown option: ${option}`);
  }
  return settings;
}

async function run(text: string): Promise<string> {
  const network = new Network();
  const out: string[] = [];
  let isAnswer = false;
  for (const line of text.split('\n')) {
    if (line === '----') {
      out.push(line, ...network.said.splice(0));
      isAnswer = true;
    } else if (line.trim() === '') {
      out.push(line);
      isAnswer = false;
    } else if (!isAnswer) {
      out.push(line);
      if (!line.startsWith('#')) await act(network, line);
    }
  }
  return out.join('\n');
}

async function act(network: Network, line: string): Promise<void> {
  for (const [pattern, does] of SENTENCES) {
    const match = pattern.exec(line);
    if (match === null) continue;
    await does(network, match);
    return network.settle();
  }
  throw new Error(`no such sentence: ${line}`);
}

describe('the scenarios, as a domain expert reads them', () => {
  for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.txt'))) {
    it(file.replace('.txt', '').replaceAll('-', ' '), async () => {
      const url = new URL(file, FOLDER);
      const text = readFileSync(url, 'utf8');
      const seen = await run(text);
      if (process.env['UPDATE_SCENARIOS'] === '1') writeFileSync(url, seen);
      else expect(seen).toBe(text);
    });
  }
});
