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
import { closeServer, createGatewayServer, listen, urlOf, type GatewayServer } from './gateway/gateway-server.ts';
import { ServedReleases } from './gateway/served.ts';
import { Slots } from './gateway/slots.ts';
import { missingBytes } from './local/offers-here.ts';
import type { OfferReading } from './local/read-offer.ts';
import { createFetch, type Online } from './node/artifacts.ts';
import { keepDescription } from './node/description.ts';
import { Documents } from './node/documents.ts';
import { commitmentsOf } from './local/data-sets.ts';
import { cameFrom } from './node/came-from.ts';
import { createEvaluate } from './node/evaluate.ts';
import { Fetches } from './node/fetches.ts';
import { pathsOf, writeSecretFile } from './node/files.ts';
import { ensureKeys, readEnrolment, type Enrolment } from './node/identity.ts';
import { localTimeIn } from './node/local-time.ts';
import { createModelRuntime, openRuntimes, type LoadedReleases, type Runtimes } from './node/model-runtime.ts';
import { nodeClass } from './node/node-class.ts';
import { NodePolicies } from './node/node-policies.ts';
import { offeredPolicies } from './node/offered-policies.ts';
import { createProber } from './node/prober.ts';
import { repeat } from './node/repeat.ts';
import { realPorts, type RealPorts } from './node/real-ports.ts';
import { createVerify } from './node/verify.ts';
import { FrameCounter } from './network/frame-counter.ts';
import { Network } from './network/network.ts';
import { createNodeGateway } from './node-gateway.ts';
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
  readonly #server: GatewayServer;
  readonly #stop = new AbortController();
  readonly #gate: DisclosureGate;
  readonly #bell: Bell;
  readonly #ports: PrivacyPorts & RealPorts;
  readonly #frames: FrameCounter;
  readonly #startedAt: number;
  readonly #described: () => Promise<RuntimeDescription>;
  readonly #log: Log;
  readonly #database: ReturnType<typeof openNodeDatabase>;

  private constructor(parts: {
    readonly config: AgentConfig;
    readonly enrolment: Enrolment;
    readonly database: ReturnType<typeof openNodeDatabase>;
    readonly store: Awaited<ReturnType<typeof openLocalStore>>;
    readonly runtimes: Runtimes;
    readonly logger: Logger;
    readonly server: GatewayServer;
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
      cameFrom: (service, held) => cameFrom(this.reconciler.state(), service, held),
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
      recompile: () => {
        this.served.recompile();
        this.reconciler.lookAgain();
      },
      servingPolicy: (service) => this.served.policyOf(service),
      offered: (documents) => offeredPolicies(this.offerReading, documents),
    });
    const answering: Answering = {
      runtime: runtimes.runtime,
      slots,
      countTokens: (lease, prompt) => models.countTokens(lease.held, prompt),
      marksOf: (lease) => models.marks(lease.held),
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
      onReclaimed: (files) => {
        this.fetches.keepOnly(files);
        this.documents.keepOnly(files);
      },
      log: ports.log,
    });
    this.offerReading = {
      refusals: () => this.policies.openRefusals(),
      terms: () => this.policies.settings.terms(),
      clinical: (policy) => this.policies.clinicalChanges(policy),
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
    server.on(
      'request',
      createNodeGateway({
        config,
        answering,
        models,
        served: this.served,
        policies: this.policies,
        apiKeys: this.apiKeys,
        metrics: this.#metrics,
        state: () => this.reconciler.state(),
        isConnected: () => this.network.isConnected,
        clock: ports.clock,
        log: ports.log,
      }),
    );
    const untilStop = { timers: ports.timers, log: ports.log, signal: this.#stop.signal };
    const sendState = () => (this.network.maySend ? this.#sendState() : Promise.resolve());
    void repeat(config.stateIntervalMs, sendState, untilStop);
    void repeat(FRAMES_EVERY_MS, () => this.#writeFrames(), untilStop);
    const restoreReserve = async () => {
      // Not the last room there is: the journal's next entry would have it given up again.
      if (!this.hasReserve && (await store.freeSpace()) >= 2 * config.reserveBytes) await store.restoreReserve();
    };
    void repeat(RESERVE_EVERY_MS, restoreReserve, untilStop);
    void repeat(POLICY_HITS_EVERY_MS, () => Promise.resolve(this.policies.keepHits()), untilStop);
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
    return urlOf(this.#server, this.config);
  }

  /** Requests in flight end first, as long as a drain may last; what serves is left as it is, for the next start. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await closeServer(this.#server, this.config.gateway.drainMs);
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
}
