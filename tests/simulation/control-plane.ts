import { between, Life } from '@openward/activation/testing';
import {
  desiredSubject,
  type Digest,
  type Log,
  type Name,
  Report,
  reportSubject,
  RPC,
  type RpcOperation,
  rpcSubject,
} from '@openward/contracts';
import {
  answerPermit,
  DEFAULT_ENGINE_SETTINGS,
  type DesiredTransport,
  ingestReport,
  type OutboxStore,
  type ReportStore,
  type RolloutStore,
  runRelay,
  runTicks,
} from '@openward/rollout';
import { memoryBucket, type MemoryStores, memoryStores } from '@openward/rollout/testing';
import { openDocument, sealDocument, type SigningKey } from '@openward/trust';
import { PIECES } from './catalogue.ts';
import { EPOCH, NETWORK_KEY, repeat, type Surroundings } from './surroundings.ts';

export const ENGINE = DEFAULT_ENGINE_SETTINGS;
const ACKED_PATIENCE_MS = 2000;
/** After it the stream delivers a report again that nobody has acknowledged. */
const ACK_WAIT_MS = 4000;

export interface KnownNode {
  readonly site: Name;
  readonly node: Name;
  readonly key: SigningKey;
  /** A value of the node's key in the bucket has come through. */
  desired(bytes: Uint8Array, revision: number): void;
  /** Of the bucket's revisions, the newest that this connection has brought; null while there is none. */
  seenRevision(): number | null;
}

/** PostgreSQL, JetStream and two replicas. Stores and streams outlive the replicas; a replica holds nothing that counts. */
export class ControlPlane {
  readonly stores: MemoryStores;
  readonly missingChunks = new Set<Digest>();
  readonly replicas: readonly Replica[];
  readonly nodes = new Map<Name, KnownNode>();
  readonly granted = new Set<string>();
  readonly around: Surroundings;
  readonly bucket: ReturnType<typeof memoryBucket>;
  readonly #kept: Uint8Array[] = [];
  #stream = 1;

  constructor(around: Surroundings) {
    this.around = around;
    const { world } = around;
    this.stores = memoryStores({ wall: () => EPOCH + world.time });
    this.bucket = memoryBucket(({ node }, bytes) => {
      around.checks.put(node, bytes);
      this.#deliver(node);
    });
    this.replicas = ['one', 'two'].map((name) => new Replica(name, this));
    for (const digest of PIECES.keys()) if (world.random() < 0.03) this.missingChunks.add(digest);
    // A delivery that was lost comes again; after a new connection the newest comes in any case.
    repeat(world, 2000, 3000, () => {
      for (const node of this.nodes.values()) {
        const seen = node.seenRevision();
        const newest = this.bucket.values.get(node.node)?.revision ?? 0;
        if (seen !== null && seen < newest) this.#deliver(node.node);
      }
    });
  }

  enrol(node: KnownNode): void {
    this.nodes.set(node.node, node);
    this.stores.enrol(node);
  }

  /** The stream has the report when `stored` is called; from then on it is delivered until it is acknowledged. */
  publish(node: Name, frame: Uint8Array, stored: () => void): void {
    const { world, link } = this.around;
    link.carry(node, () => {
      link.carry(node, stored);
      const message = { isAcknowledged: false };
      const stream = this.#stream;
      const deliver = (): void => {
        if (message.isAcknowledged || stream !== this.#stream) return;
        world.at(between(world, 500, ACK_WAIT_MS), deliver);
        this.#anyReplica()
          ?.take(node, frame)
          .then(
            () => (message.isAcknowledged ||= world.random() < 0.95),
            () => undefined,
          );
      };
      world.at(between(world, 1, 50), deliver);
    });
  }

  /** D5: the stream loses what it holds. What the database has not committed, nodes send again. */
  loseReports(): void {
    this.#stream++;
    this.around.world.note('the stream of reports is lost');
  }

  ask(node: Name, operation: RpcOperation, frame: Uint8Array, reply: (frame: Uint8Array) => void): void {
    const { world, link, isChaotic } = this.around;
    link.carry(node, () => {
      this.#anyReplica()
        ?.answer(node, operation, frame)
        .then(
          (answer) => {
            if (answer === null) return;
            const old = this.#kept[between(world, 0, this.#kept.length)];
            this.#kept.push(answer);
            // Now and then somebody answers with what was kept from another asking.
            link.carry(node, () => reply(old !== undefined && isChaotic() && world.random() < 0.02 ? old : answer));
          },
          () => undefined,
        );
    });
  }

  #deliver(name: Name): void {
    const node = this.nodes.get(name);
    const value = this.bucket.values.get(name);
    if (node && value) this.around.link.carry(name, () => node.desired(value.bytes, value.revision));
  }

  #anyReplica(): Replica | undefined {
    const up = this.replicas.filter((replica) => replica.isUp);
    return up[between(this.around.world, 0, up.length)];
  }
}

interface Ports {
  readonly rollouts: RolloutStore;
  readonly outbox: OutboxStore;
  readonly reports: ReportStore;
  readonly bucket: DesiredTransport;
}

/** One process of the control plane. */
export class Replica {
  readonly name: string;
  readonly #plane: ControlPlane;
  #life: Life;
  #ports!: Ports;

  constructor(name: string, plane: ControlPlane) {
    this.name = name;
    this.#plane = plane;
    this.#life = new Life(plane.around.world);
    this.#life.isOver = true;
  }

  get isUp(): boolean {
    return !this.#life.isOver;
  }

  boot(): void {
    const { stores, bucket, around } = this.#plane;
    const life = new Life(around.world);
    this.#life = life;
    this.#ports = {
      rollouts: this.#mortal(stores.rollouts, life),
      outbox: this.#mortal(stores.outbox, life),
      reports: this.#mortal(stores.reports, life),
      bucket: this.#mortal<DesiredTransport>(bucket, life),
    };
    const ports = { timers: this.#timers(life), log: this.#log() };
    const { signal } = new AbortController();
    const pace = { idleMs: 300, afterErrorMs: 500 };
    void runTicks(this.#ports.rollouts, ports, ENGINE, pace, signal);
    const signer = {
      sealDesired: (state: Parameters<typeof desiredOf>[0]) => Promise.resolve(desiredOf(state)),
    };
    const { outbox, bucket: transport } = this.#ports;
    void runRelay({ ...ports, outbox, transport, signer }, { ...pace, limit: 10, leaseMs: 5000 }, signal);
  }

  crash(): void {
    const { world } = this.#plane.around;
    this.#life.isOver = true;
    world.note(`control plane ${this.name} crashes`);
    world.at(between(world, 10, 4000), () => this.boot());
  }

  /** As the control plane's consumer of reports: verified over the received bytes, then stored. */
  async take(node: Name, frame: Uint8Array): Promise<'committed' | 'refused'> {
    const { nodes, around } = this.#plane;
    const { key, site } = nodes.get(node)!;
    const { reports } = this.#ports;
    const opened = openDocument(reportSubject(site, node), frame, [key.publicKey], Report);
    if ('refused' in opened) {
      around.checks.breakRule(`a report of ${node} is refused: ${opened.refused} ${opened.detail ?? ''}`);
      return 'refused';
    }
    await ingestReport(reports, this.#log(), opened.value, { coalesceMs: 100 });
    return 'committed';
  }

  async answer(node: Name, operation: RpcOperation, frame: Uint8Array): Promise<Uint8Array | null> {
    const { key, site } = this.#plane.nodes.get(node)!;
    const subject = rpcSubject(site, node, operation);
    const seal = (reply: unknown): Uint8Array => sealDocument(subject, reply, NETWORK_KEY);
    switch (operation) {
      case 'permit': {
        const request = RPC.permit.request.parse(
          valueOf(openDocument(subject, frame, [key.publicKey], RPC.permit.request)),
        );
        const reply = await answerPermit(this.#ports.rollouts, node, request, ENGINE);
        const { answer } = reply;
        if (answer.granted) this.#plane.granted.add(request.nonce);
        this.#plane.around.world.note(
          `${node} asks for ${request.assignment}: ${answer.granted ? 'granted' : answer.why}`,
        );
        return seal(reply);
      }
      case 'acked': {
        const { nonce, through } = valueOf(openDocument(subject, frame, [key.publicKey], RPC.acked.request));
        return seal({ v: 1, nonce, ackedThrough: await this.#acked(node, through) });
      }
      case 'hello': {
        const { nonce } = valueOf(openDocument(subject, frame, [key.publicKey], RPC.hello.request));
        return seal({ v: 1, nonce, ...this.#plane.around.checks.lastAccepted(node), now: this.#now() });
      }
      case 'refill': {
        const { nonce, chunks, manifest } = valueOf(openDocument(subject, frame, [key.publicKey], RPC.refill.request));
        const filled = [manifest, ...chunks].filter((digest) => this.#plane.missingChunks.delete(digest)).length;
        return seal({ v: 1, nonce, filled, retryAfterMs: 250 });
      }
      case 'renew':
        return null;
    }
  }

  /** Answers when `through` is committed, or after a while with what is. */
  async #acked(node: Name, through: number): Promise<number> {
    const timers = this.#timers(this.#life);
    const committed = (): number => this.#plane.stores.tables.nodes.get(node)?.ackedThrough ?? 0;
    for (let waited = 0; waited < ACKED_PATIENCE_MS && committed() < through; waited += 200) await timers.sleep(200);
    return committed();
  }

  #now(): string {
    return new Date(EPOCH + this.#plane.around.world.time).toISOString();
  }

  #timers = (life: Life) => ({
    sleep: (ms: number, signal?: AbortSignal): Promise<void> => life.answer(ms, () => undefined, signal),
  });

  #log(): Log {
    const { checks } = this.#plane.around;
    const error: Log['error'] = (event, fields) => {
      // The store fails on purpose here; what cannot be decided, or is newer than what is held, never may be.
      if (!event.endsWith('failed')) checks.breakRule(`${event} ${JSON.stringify(fields, errorText)}`);
    };
    return { info: () => undefined, warn: () => undefined, error };
  }

  /** Every write fails now and then: not stored, or stored all the same. Near one, the replica may die. */
  #mortal<T extends object>(port: T, life: Life): T {
    const { world, isChaotic } = this.#plane.around;
    const fails = (): boolean => isChaotic() && world.random() < 0.01;
    // A put may take longer than the relay's lease: then another relay has put something newer meanwhile.
    const slow = (name: string): number => {
      const luck = isChaotic() && name === 'put' ? world.random() : 1;
      return luck < 0.05 ? between(world, 4000, 8000) : between(world, 0, luck < 0.2 ? 800 : 4);
    };
    const methods = Object.entries(port).filter(([, method]) => typeof method === 'function');
    const wrapped = methods.map(([name, method]) => [
      name,
      async (...args: unknown[]): Promise<unknown> => {
        if (isChaotic() && world.random() < 0.0015) world.at(between(world, 0, 8), () => life.isOver || this.crash());
        await life.answer(slow(name), () => undefined);
        if (fails()) throw new Error('the database is away, and nothing was stored');
        const result: unknown = await (method as (...args: unknown[]) => Promise<unknown>)(...args);
        await life.answer(between(world, 0, 4), () => undefined);
        if (fails()) throw new Error('the database is away, and it was stored all the same');
        return result;
      },
    ]);
    return Object.fromEntries(wrapped) as T;
  }
}

const desiredOf = (state: { readonly site: Name; readonly node: Name }): Uint8Array =>
  sealDocument(desiredSubject(state.site, state.node), state, NETWORK_KEY);

function valueOf<T>(opened: { readonly value: T } | { readonly refused: string }): T {
  if ('refused' in opened) throw new Error(`a request is refused: ${opened.refused}`);
  return opened.value;
}

const errorText = (_: string, value: unknown): unknown => (value instanceof Error ? value.stack : value);
