import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isInUse, startReconciler, type Entry, type Reconciler, type StatePart } from '@openward/activation';
import { PROTOCOL, reportSubject, type Log, type StateBody } from '@openward/contracts';
import { giveUpReserve, hasReserve, openLocalStore } from '@openward/distribution';
import type { SentFrame } from '@openward/messaging';
import { nodeMetrics } from '@openward/observability';
import {
  openNodeDatabase,
  SqliteApiKeys,
  SqliteDataSets,
  SqliteJournal,
  SqliteJudgements,
  SqliteLedger,
  SqliteResults,
} from '@openward/persistence/node';
import { createBell, createDisclosureGate, type Bell, type DisclosureGate, type PrivacyPorts } from '@openward/privacy';
import { LlamaChild, type RuntimeDescription } from '@openward/runtime';
import { isLoopback, type AgentConfig } from './config.ts';
import type { Answering } from './gateway/answer.ts';
import { compiledPolicy } from './gateway/compiled.ts';
import { createGateway } from './gateway/gateway.ts';
import { ServedReleases } from './gateway/served.ts';
import { Slots } from './gateway/slots.ts';
import { missingBytes } from './local/offers-here.ts';
import type { OfferReading } from './local/read-offer.ts';
import { createFetch, type Online } from './node/artifacts.ts';
import { keepDescription } from './node/description.ts';
import { Documents } from './node/documents.ts';
import { commitmentsOf } from './local/data-sets.ts';
import { createEvaluate } from './node/evaluate.ts';
import { Fetches } from './node/fetches.ts';
import { pathsOf, writeSecretFile } from './node/files.ts';
import { ensureKeys, readEnrolment, type Enrolment } from './node/identity.ts';
import { localTimeIn } from './node/local-time.ts';
import { createModelRuntime, openRuntimes, type LoadedReleases, type Runtimes } from './node/model-runtime.ts';
import { nodeClass } from './node/node-class.ts';
import { NodePolicies } from './node/node-policies.ts';
import { createProber } from './node/prober.ts';
import { realPorts, type RealPorts } from './node/real-ports.ts';
import { createVerify } from './node/verify.ts';
import { FrameCounter } from './network/frame-counter.ts';
import { Network } from './network/network.ts';
import { AGENT_VERSION } from './version.ts';
import type { Logger } from 'pino';

const FRAMES_EVERY_MS = 3_600_000;
const POLICY_HITS_EVERY_MS = 10_000;
const RESERVE_EVERY_MS = 60_000;

/** Everything of one running node. The Nest process starts it, asks it, and stops it. */
export class Agent {
  readonly config: AgentConfig;
  readonly enrolment: Enrolment;
  readonly ledger: SqliteLedger;
  readonly apiKeys: SqliteApiKeys;
  readonly dataSets: SqliteDataSets;
  readonly judgements: SqliteJudgements;
  readonly policies: NodePolicies;
  readonly offerReading: OfferReading;
  readonly documents: Documents;
  readonly models: Pick<LoadedReleases, 'loads'>;
  readonly served: ServedReleases;
  readonly runtimes: Runtimes;
  readonly reconciler: Reconciler;
  readonly network: Network;
  readonly fetches = new Fetches();
  readonly #metrics = nodeMetrics();
  readonly #server: Server;
  readonly #stop = new AbortController();
  readonly #gate: DisclosureGate;
  readonly #bell: Bell;
  readonly #ports: PrivacyPorts & RealPorts;
  readonly #frames: FrameCounter;
  readonly #startedAt: number;
  readonly #described: () => Promise<RuntimeDescription>;
  readonly #log: Log;
  #restored = false;
  readonly #database: ReturnType<typeof openNodeDatabase>;

  private constructor(parts: {
    readonly config: AgentConfig;
    readonly enrolment: Enrolment;
    readonly database: ReturnType<typeof openNodeDatabase>;
    readonly store: Awaited<ReturnType<typeof openLocalStore>>;
    readonly runtimes: Runtimes;
    readonly logger: Logger;
    readonly server: Server;
  }) {
    const { config, enrolment, database, store, runtimes, logger, server } = parts;
    const ports = realPorts(logger);
    this.config = config;
    this.enrolment = enrolment;
    this.runtimes = runtimes;
    this.#database = database;
    this.#startedAt = ports.clock.monotonic();
    this.ledger = new SqliteLedger(database);
    this.apiKeys = new SqliteApiKeys(database);
    this.dataSets = new SqliteDataSets(database);
    this.judgements = new SqliteJudgements(database);
    this.documents = new Documents(store);
    this.#log = ports.log;
    this.#ports = { ...ports, store: this.ledger };
    this.#described = keepDescription(runtimes.runtime, ports.log);
    this.#bell = createBell();
    this.#frames = new FrameCounter(ports.log);
    const keys = ensureKeys(config.dataDir);
    const { site, node } = enrolment;
    const boot = ports.ids.uuid();
    this.#gate = createDisclosureGate(this.#ports, {
      site,
      node,
      boot,
      identity: keys.identity,
      reportSubject: reportSubject(site, node),
    });
    const models = createModelRuntime({ runtimes, store, documents: this.documents, config, log: ports.log });
    this.models = models;
    const slots = new Slots(config.runtime.parallel, config.gateway.mostWaiting);
    this.served = new ServedReleases({
      releaseOf: (held) => this.documents.release(held.release, held.document),
      compile: (policy) => this.policies.compile(policy),
      terms: () => this.policies.settings.terms(),
      drainMs: config.gateway.drainMs,
      now: () => ports.clock.wall(),
    });
    this.policies = new NodePolicies({
      database,
      timeZone: config.timeZone,
      clock: ports.clock,
      log: ports.log,
      state: () => this.reconciler.state(),
      releaseOf: (held) => this.documents.release(held.release, held.document),
      recompile: () => this.served.recompile(),
      servingPolicy: (service) => this.served.policyOf(service),
    });
    const answering: Answering = {
      runtime: runtimes.runtime,
      slots,
      countTokens: (lease, prompt) => models.countTokens(lease.held, prompt),
    };
    this.network = new Network({
      config,
      keys,
      enrolment,
      ports: this.#ports,
      gate: this.#gate,
      bell: this.#bell,
      ledger: this.ledger,
      boot,
      onSent: (sent: SentFrame) => this.#frames.count(sent),
      onDesired: (doc) => this.reconciler.desired(doc),
      isUp: (up) => (up ? this.#sendState() : undefined),
    });
    const fetch = createFetch({
      store,
      ports,
      online: (signal): Promise<Online> => this.network.online(signal),
      config,
      models,
      onProgress: (progress) => this.fetches.note(progress),
      onFetched: (bytes) => {
        this.fetches.totalBytes += bytes;
        this.#metrics.fetchedBytes.add(bytes);
      },
      onReclaimed: (files) => this.fetches.keepOnly(files),
      log: ports.log,
    });
    this.offerReading = {
      refusals: () => this.policies.openRefusals(),
      terms: () => this.policies.settings.terms(),
      now: () => ports.clock.monotonic(),
      refusedNow: (release) => this.policies.refusedNow(release),
      state: () => this.reconciler.state(),
      releaseOf: ({ release, document }) => this.documents.release(release, document),
      isHere: async ({ release }) => (await store.find(release.document.file)) !== undefined,
      missing: (assignment) => missingBytes(assignment, async (file) => (await store.find(file)) !== undefined),
      fetchDocument: (assignment) => fetch.fetchDocument(assignment),
    };
    this.reconciler = startReconciler({
      ...ports,
      journal: new SqliteJournal<Entry>(database),
      fetch,
      verify: createVerify({
        store,
        documents: this.documents,
        config,
        commitments: () => commitmentsOf(this.dataSets).map(({ commitment }) => commitment),
        assertPolicy: (assignment, release) => this.policies.assertRuns(assignment, release),
      }),
      runtime: models,
      evaluate: createEvaluate({
        documents: this.documents,
        models,
        runtime: runtimes.runtime,
        slots,
        results: new SqliteResults(database),
        judgements: this.judgements,
        dataSets: this.dataSets,
        isSuiteAccepted: (suite) => this.reconciler.state().durable.suites[suite] !== undefined,
        isInUse: (key) => isInUse(this.reconciler.state(), key),
        assertPolicy: (assignment, release) => this.policies.assertRuns(assignment, release),
        terms: () => this.policies.settings.terms(),
        compile: compiledPolicy,
        today: () => this.policies.today(),
        monotonic: () => ports.clock.monotonic(),
        wall: () => ports.clock.wall(),
        sleep: (ms, signal) => ports.timers.sleep(ms, signal),
        ownStepMs: config.ownStepMs,
        log: ports.log,
      }),
      serving: this.served,
      prober: createProber(this.served, answering, runtimes.runtime, config.runtime.memoryGiB * 2 ** 30, ports.log),
      permits: {
        ask: async (question, signal) => {
          const { calls } = await this.network.online(signal);
          const { nonce, assignment, planHash, release } = question;
          return calls.call('permit', { assignment, planHash, release }, nonce);
        },
      },
      disclose: {
        state: (part) => this.#disclose(() => this.#stateBody(part)),
        evidence: (body) => this.#disclose(() => Promise.resolve(body)),
      },
      localTime: localTimeIn(config.timeZone),
    });
    this.#server = server;
    server.on('request', this.#createListener(answering, models));
    void this.#repeat(config.stateIntervalMs, () => (this.network.maySend ? this.#sendState() : Promise.resolve()));
    void this.#repeat(FRAMES_EVERY_MS, () => this.#writeFrames());
    void this.#repeat(RESERVE_EVERY_MS, async () => {
      // Not the last room there is: the journal's next entry would have it given up again.
      if (!this.hasReserve && (await store.freeSpace()) >= 2 * config.reserveBytes) await store.restoreReserve();
    });
    void this.#repeat(POLICY_HITS_EVERY_MS, () => Promise.resolve(this.policies.keepHits()));
  }

  /** Serves what the journal says as soon as it is read, with or without a network. */
  static async start(config: AgentConfig, logger: Logger): Promise<Agent> {
    const enrolment = readEnrolment(config.dataDir);
    if (enrolment === null)
      throw new Error(`this node is not enrolled: run \`openward node enrol --data ${config.dataDir}\` first`);
    if (!isLoopback(config.gateway.host) && config.gateway.tls === null)
      throw new Error(
        `the gateway does not listen on ${config.gateway.host} without TLS: set gateway.tls in agent.json (G5)`,
      );
    const paths = pathsOf(config.dataDir);
    const database = openNodeDatabase(paths.database, () => {
      const given = giveUpReserve(paths.store);
      if (given) logger.warn({ folder: paths.store }, 'disk.reserveGivenUp');
      return given;
    });
    const store = await openLocalStore({ dir: paths.store, reserveBytes: config.reserveBytes });
    const child = new LlamaChild({ readable: [paths.store], hidden: [config.dataDir] });
    const runtimes = await openRuntimes(config, child);
    const server = createGatewayServer(config);
    try {
      // Before the reconciler: a port that is in use must not count as one more restart in a soak.
      await listen(server, config);
    } catch (error) {
      await runtimes.close();
      database.close();
      throw error;
    }
    const agent = new Agent({ config, enrolment, database, store, runtimes, logger, server });
    writeSecretFile(join(config.dataDir, 'gateway.json'), JSON.stringify({ url: agent.gatewayUrl }));
    agent.network.start();
    return agent;
  }

  /** The process's own. */
  get log(): Log {
    return this.#log;
  }

  get gatewayUrl(): string {
    const address = this.#server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const { host, tls } = this.config.gateway;
    return `${tls === null ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  }

  /** Requests in flight end first, as long as a drain may last; what serves is left as it is, for the next start. */
  async stop(): Promise<void> {
    this.#stop.abort();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const deadline = setTimeout(() => this.#server.closeAllConnections(), this.config.gateway.drainMs);
    await closed;
    clearTimeout(deadline);
    await this.reconciler.stop();
    await this.#writeFrames();
    this.policies.keepHits();
    await this.network.stop();
    await this.runtimes.close();
    this.#database.close();
  }

  /** False where the disk was full, until there is room again (N7). */
  get hasReserve(): boolean {
    return this.config.reserveBytes === 0 || hasReserve(pathsOf(this.config.dataDir).store);
  }

  uptimeHours(): number {
    return Math.floor((this.#ports.clock.monotonic() - this.#startedAt) / 3_600_000);
  }

  async #stateBody(part: StatePart): Promise<StateBody> {
    return {
      type: 'state',
      agentVersion: AGENT_VERSION,
      protocol: PROTOCOL,
      class: nodeClass(this.config, await this.#described()),
      uptimeHours: this.uptimeHours(),
      generation: part.generation,
      services: part.services,
      suites: part.suites,
    };
  }

  async #disclose(compose: () => Promise<Parameters<DisclosureGate['report']>[0]>): Promise<void> {
    await this.#gate.report(await compose());
    this.#bell.ring();
  }

  #sendState(): Promise<void> {
    return this.#disclose(() => this.#stateBody(this.reconciler.report()));
  }

  async #writeFrames(): Promise<void> {
    const counts = this.#frames.take();
    if (Object.keys(counts).length > 0) await this.#gate.countFrames(counts);
  }

  async #repeat(ms: number, act: () => Promise<void>): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#ports.timers.sleep(ms, signal).catch(() => undefined);
      if (signal.aborted) return;
      await act().catch((error: unknown) => this.#ports.log.error('agent.repeatFailed', { error: String(error) }));
    }
  }

  #createListener(answering: Answering, models: LoadedReleases): RequestListener {
    const { gateway } = this.config;
    const metrics = this.#metrics;
    return createGateway({
      ...answering,
      served: this.served,
      policies: {
        today: this.policies.today,
        onExpiry: () => this.policies.settings.onExpiry(),
        shadowOf: (service) => this.policies.shadows.shadowOf(service),
        counts: this.policies.counts,
      },
      keyOf: (digest) => this.apiKeys.idOf(digest),
      limits: { bytes: gateway.maxBodyBytes, ms: gateway.bodyTimeoutMs },
      version: AGENT_VERSION,
      health: () => ({
        restored: this.#isRestored(),
        ready: this.served.list().some(({ release }) => release !== null),
        details: {
          status: this.#isRestored() ? 'ok' : 'starting',
          connected: this.network.isConnected,
          services: this.served.list(),
          loaded: models.size,
          policyTroubles: this.policies.troubles(),
        },
      }),
      observe: ({ service, status, ms, firstMs, policy, action }) => {
        metrics.requests.add(1, { service, status });
        metrics.requestSeconds.record(ms / 1000, { service });
        if (firstMs !== null) metrics.firstTokenSeconds.record(firstMs / 1000, { service });
        if (action !== null) metrics.policyActions.add(1, { service, action });
        if (action === 'refused') this.#log.info('gateway.policyRefused', { service, status });
        if (policy !== null) this.#log.info('gateway.policyActed', { service, status, ...policy });
      },
      log: this.#log,
      monotonic: () => this.#ports.clock.monotonic(),
      wall: () => this.#ports.clock.wall(),
    });
  }

  /** After a start: every release that the journal says serves, serves, or was stopped for a reason. Once true, it stays. */
  #isRestored(): boolean {
    if (this.#restored) return true;
    const { isBooted, durable } = this.reconciler.state();
    const stands = new Map(
      this.served
        .list()
        .map(({ service, release, stopped }) => [
          service,
          release !== null || (stopped !== null && stopped !== 'loading'),
        ]),
    );
    this.#restored =
      isBooted &&
      Object.entries(durable.services).every(
        ([service, { active, halted }]) => active === null || halted || stands.get(service) === true,
      );
    return this.#restored;
  }
}

function createGatewayServer({ gateway }: AgentConfig): Server {
  if (gateway.tls === null) return createServer({ requestTimeout: 0 });
  return createTlsServer({
    cert: readFileSync(gateway.tls.cert),
    key: readFileSync(gateway.tls.key),
  }) as unknown as Server;
}

function listen(server: Server, { gateway: { host, port } }: AgentConfig): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}
