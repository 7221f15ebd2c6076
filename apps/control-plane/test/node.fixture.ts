import { randomBytes, randomUUID } from 'node:crypto';
import {
  AckedReply,
  DesiredState,
  EnrolReply,
  PermitReply,
  RPC,
  decodeEnrolmentToken,
  desiredSubject,
  digestOf,
  reportSubject,
  rpcSubject,
  type Assignment,
  type DesiredState as Desired,
  type NodeStep,
  type Report,
  type RpcOperation,
  type SoakState,
  type StateBody,
} from '@openward/contracts';
import { connectNode, generateUserKey, publishReport, request, watchDesired, type NodeLink } from '@openward/messaging';
import { generateSigningKey, keySetDigest, openDocument, sealDocument, type SigningKey } from '@openward/trust';
import { RANDOM, until } from '@openward/testkit';
import type { Client } from './network.fixture.ts';

// A node made of the libraries alone: it enrols, reads what it is told, and says what a test wants it to say.

const nonce = (): string => randomBytes(16).toString('base64url');

export interface EnrolOptions {
  readonly name: string;
  readonly token: string;
  readonly identity?: SigningKey;
  readonly change?: (request: Record<string, unknown>) => Record<string, unknown>;
}

export async function sendEnrol(client: Client, options: EnrolOptions) {
  const token = decodeEnrolmentToken(options.token);
  if (token === null) throw new Error('no enrolment token');
  const identity = options.identity ?? generateSigningKey();
  const keys = { control: generateUserKey(), bulk: generateUserKey() };
  const asked = {
    v: 1,
    nonce: nonce(),
    secret: token.secret,
    node: options.name,
    identity: identity.publicKey,
    control: keys.control.publicKey,
    bulk: keys.bulk.publicKey,
    agentVersion: '0.1.0',
    protocol: 1,
  };
  const frame = sealDocument('POST /api/v1/enrol', options.change?.(asked) ?? asked, identity);
  const response = await client.raw('/api/v1/enrol', {
    method: 'POST',
    body: frame,
    headers: { 'content-type': 'application/octet-stream' },
  });
  return { response, token, identity, keys, asked };
}

export const CLASS: StateBody['class'] = {
  threads: 4,
  memoryGiB: 4,
  diskGiB: 256,
  diskFreePercent: 50,
  runtime: 'llamaCpp',
  runtimeServers: 1,
  runtimeVersion: '3.21.1',
  runtimeSafe: 'safe',
};

export class FakeNode {
  seq = 0;
  boot = randomUUID();
  desired: Desired | null = null;
  /** All that it was told, in order. */
  readonly seen: Desired[] = [];
  readonly reply: EnrolReply;
  readonly identity: SigningKey;
  readonly keys: { control: { publicKey: string; seed: string }; bulk: { publicKey: string; seed: string } };
  readonly links: NodeLink[] = [];
  readonly #ending = new AbortController();

  constructor(reply: EnrolReply, identity: SigningKey, keys: FakeNode['keys']) {
    this.reply = reply;
    this.identity = identity;
    this.keys = keys;
  }

  static async enrol(client: Client, site: string, name: string): Promise<FakeNode> {
    const made = await client.post<{ token: string }>(`/sites/${site}/tokens`, {});
    const { response, token, identity, keys, asked } = await sendEnrol(client, { name, token: made.body.token });
    if (response.status !== 200) throw new Error(await response.text());
    const frame = new Uint8Array(await response.arrayBuffer());
    // The set is pinned by the token; only then is its signature worth anything.
    const claimed = EnrolReply.parse(JSON.parse(Buffer.from(frame.subarray(frame.indexOf(10) + 1)).toString('utf8')));
    if (keySetDigest(claimed.keySet) !== token.keySet) throw new Error('another key set');
    const opened = openDocument('POST /api/v1/enrol', frame, claimed.keySet.keys, EnrolReply);
    if ('refused' in opened || opened.value.nonce !== asked.nonce) throw new Error('a reply that does not hold');
    return new FakeNode(opened.value, identity, keys);
  }

  get site(): string {
    return this.reply.site;
  }

  get node(): string {
    return this.reply.node;
  }

  async connect(kind: 'control' | 'bulk' = 'control'): Promise<NodeLink> {
    const { nats, credentials } = this.reply;
    const link = await connectNode({
      site: this.site,
      node: this.node,
      kind,
      urls: nats.urls,
      ca: nats.ca,
      credentials: () => ({ jwt: credentials[kind], seed: this.keys[kind].seed }),
      settings: { reconnectWaitMs: 50, jitterMs: 20, timeoutMs: 5_000 },
      random: RANDOM,
    });
    this.links.push(link);
    if (kind === 'control') void this.watch(link);
    return link;
  }

  private async watch(link: NodeLink): Promise<void> {
    try {
      for await (const { frame } of watchDesired(link, { signal: this.#ending.signal })) {
        const opened = openDocument(desiredSubject(this.site, this.node), frame, this.reply.keySet.keys, DesiredState);
        if ('refused' in opened) throw new Error(`a desired state that does not hold: ${opened.refused}`);
        this.desired = opened.value;
        this.seen.push(opened.value);
      }
    } catch (error) {
      if (!this.#ending.signal.aborted) throw error;
    }
  }

  /** The newest desired state, once it is as the test waits for. */
  async told(is: (state: Desired) => boolean, what: string): Promise<Desired> {
    await until(() => this.desired !== null && is(this.desired), { within: 15_000, what });
    if (this.desired === null) throw new Error('unreachable');
    return this.desired;
  }

  async report(body: Report['body'], change: Partial<Report> = {}): Promise<number> {
    const [link] = this.links;
    if (link === undefined) throw new Error('not connected');
    this.seq += 1;
    const { site, node, boot, seq } = this;
    const report: Report = { v: 1, site, node, boot, seq, ledger: { seq, head: digestOf({ seq }) }, body, ...change };
    const frame = sealDocument(reportSubject(site, node), report, this.identity, 1024);
    await publishReport(link, { id: randomUUID(), frame });
    return seq;
  }

  state(services: StateBody['services'] = [], change: Partial<StateBody> = {}): Promise<number> {
    return this.report({
      type: 'state',
      agentVersion: '0.1.0',
      protocol: 1,
      generation: this.desired?.generation ?? null,
      class: CLASS,
      uptimeHours: 0,
      services,
      suites: [],
      ...change,
    });
  }

  async call<O extends RpcOperation>(operation: O, ask: object): Promise<unknown> {
    const [link] = this.links;
    if (link === undefined) throw new Error('not connected');
    const subject = rpcSubject(this.site, this.node, operation);
    const asked = { v: 1, nonce: nonce(), ...ask };
    const { frame } = await request(link, operation, sealDocument(subject, asked, this.identity), { timeoutMs: 5_000 });
    const { z } = await import('zod');
    const opened = openDocument(
      subject,
      frame,
      this.reply.keySet.keys,
      z.union([RPC[operation].reply, z.looseObject({ refused: z.string() })]),
    );
    if ('refused' in opened) throw new Error(`an answer that does not hold: ${opened.refused}`);
    if ((opened.value as { nonce: string }).nonce !== asked.nonce) throw new Error('an answer to another question');
    return opened.value;
  }

  async acked(through: number): Promise<number> {
    return AckedReply.parse(await this.call('acked', { through })).ackedThrough;
  }

  async permit(): Promise<PermitReply['answer']> {
    const assignment = this.desired?.services[0]?.assignment;
    if (!assignment) throw new Error('nothing assigned');
    const { id, planHash, release } = assignment;
    return PermitReply.parse(await this.call('permit', { assignment: id, planHash, release: release.digest })).answer;
  }

  /** The assignment of the service that this node is told now, in that phase. */
  async assigned(phase: Assignment['phase'], attempt = 1): Promise<Assignment> {
    const is = (it: Assignment | null | undefined): boolean => it?.phase === phase && it.attempt >= attempt;
    const state = await this.told((it) => is(it.services[0]?.assignment), `${this.node} in ${phase}`);
    const assignment = state.services[0]?.assignment;
    if (!assignment) throw new Error('unreachable');
    return assignment;
  }

  /** Does what a good node does, from the start of its wave to the end of its soak, or to its beginning. */
  async take(soak: SoakState = 'ok'): Promise<void> {
    const { id, planHash, release, variant, suite } = await this.assigned('proceed');
    const passed = { verdict: 'pass', reason: 'withinMargin' } as const;
    await this.report({
      type: 'evidence',
      assignment: id,
      planHash,
      release: release.digest,
      variantFile: variant.artifact.file,
      suite: suite.digest,
      runtimeVersion: '3.21.1',
      bundled: { ...passed, gates: [{ kind: 'ceiling', ...passed, counts: { n: 40, candidateMisses: 0 } }] },
      own: suite.readsSiteData ? passed : null,
    });
    await this.acked(this.seq);
    await until(async () => (await this.permit()).granted, {
      within: 15_000,
      every: 50,
      what: `a permit for ${this.node}`,
    });
    await this.says('active', soak);
  }

  /** A state in which the newest assignment is at this step. */
  async says(step: NodeStep, soak?: SoakState): Promise<void> {
    const assignment = this.desired?.services[0]?.assignment;
    if (!assignment) throw new Error('nothing assigned');
    const { id, planHash, release, service, from } = assignment;
    const isOn = ['probing', 'active', 'committed'].includes(step);
    const status = { assignment: id, planHash, step, restarts: 0, ...(soak === undefined ? {} : { soak }) };
    const ended =
      step === 'rolledBack' ? { outcome: 'rolledBack' as const, reason: 'rolledBackByNetwork' as const } : {};
    await this.state([
      {
        service,
        active: isOn ? release.digest : from,
        lastGood: from,
        anchor: null,
        serving: isOn ? 'serving' : 'notServing',
        pinned: false,
        assignment: { ...status, ...ended },
      },
    ]);
  }

  async close(): Promise<void> {
    this.#ending.abort(new Error('closed'));
    for (const link of this.links) await link.close();
  }
}
