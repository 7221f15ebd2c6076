import { DesiredState, desiredSubject, type Name } from '@openward/contracts';
import { type Entry, type Held, keepOf, type Ports, type Reconciler, startReconciler } from '@openward/activation';
import { between, Life, MemoryJournal, SimulatedGateway, SimulatedRuntime } from '@openward/activation/testing';
import { SimulatedDisk } from '@openward/distribution/testing';
import type { PrivacyPorts } from '@openward/privacy';
import { openDocument, signingKeyFromSeed } from '@openward/trust';
import type { SiteName } from './catalogue.ts';
import type { ControlPlane, KnownNode } from './control-plane.ts';
import { simulatedFetch, simulatedVerify } from './hospital-artifacts.ts';
import { KeptResults, simulatedEvaluation } from './hospital-evaluate.ts';
import { HospitalNetwork } from './hospital-network.ts';
import { SimulatedLedger } from './ledger.ts';
import { chanceOf, EPOCH, NETWORK_KEY, seededIds, SILENT, type Surroundings } from './surroundings.ts';

const MIB = 2 ** 20;

/** One hospital's machine, with the real reconciler, transfer, evaluation, disclosure gate and outbox. Its disks outlive it. */
export class Hospital implements KnownNode {
  readonly site: SiteName;
  readonly node: Name;
  readonly key;
  readonly journal = new MemoryJournal();
  readonly ledger = new SimulatedLedger();
  readonly kept = new KeptResults();
  readonly disk: SimulatedDisk;
  readonly runtime = new SimulatedRuntime();
  readonly gateway = new SimulatedGateway(this.runtime);
  /** The newest question for each assignment: what an activation has to be under. */
  readonly asked = new Map<string, { readonly nonce: string; readonly at: number; readonly boot: number }>();
  reconciler: Reconciler | null = null;
  boots = 0;
  /** Of model files and documents, all that ever came over the link. */
  fetchedBytes = 0;
  readonly #around: Surroundings;
  readonly #plane: ControlPlane;
  #life: Life;
  #network: HospitalNetwork | null = null;
  #seen = 0;

  constructor(site: SiteName, around: Surroundings, plane: ControlPlane) {
    this.site = site;
    this.node = `${site}-node`;
    this.key = signingKeyFromSeed(Buffer.alloc(32, site).toString('base64url'));
    this.#around = around;
    this.#plane = plane;
    this.disk = new SimulatedDisk(chanceOf(around.world), 64 * MIB, MIB);
    this.#life = new Life(around.world);
    this.#life.isOver = true;
    around.link.onReconnected((node) => {
      if (node !== this.node) return;
      this.#seen = 0;
      if (this.#isOnline()) void this.#network?.tellState(this.reconciler!.report());
    });
  }

  get isUp(): boolean {
    return !this.#life.isOver;
  }

  seenRevision(): number | null {
    return this.#isOnline() ? this.#seen : null;
  }

  boot(): void {
    const life = new Life(this.#around.world);
    this.boots++;
    this.#life = life;
    this.#seen = 0;
    const ports = this.#privacyPorts(life);
    this.#network = new HospitalNetwork(this, this.#around, this.#plane, ports);
    const reconciler = startReconciler(this.#ports(life, ports, this.#network));
    this.reconciler = reconciler;
    reconciler.done.catch((error: unknown) => {
      if (!life.isOver) this.#around.checks.breakRule(`${this.node} stops: ${String(error)}`);
    });
    void this.#network.run(life, () => reconciler.report());
  }

  crash(): void {
    const { world } = this.#around;
    this.#life.isOver = true;
    this.reconciler = null;
    this.gateway.crash();
    this.runtime.crash();
    this.journal.crash(world);
    this.disk.crash();
    world.note(`${this.node} crashes`);
    world.at(between(world, 10, 3000), () => {
      world.note(`${this.node} boots`);
      this.boot();
    });
  }

  desired(bytes: Uint8Array, revision: number): void {
    if (!this.#isOnline()) return;
    this.#seen = Math.max(this.#seen, revision);
    const subject = desiredSubject(this.site, this.node);
    const opened = openDocument(subject, bytes, [NETWORK_KEY.publicKey], DesiredState);
    if ('refused' in opened) return this.#around.checks.breakRule(`a desired state is refused: ${opened.refused}`);
    this.reconciler?.desired(opened.value);
  }

  #isOnline(): boolean {
    return this.isUp && this.#network?.isOnline === true;
  }

  /** Where a death hurts: within 30 ms of a durable step or an act. */
  #near(chance: number): void {
    const { world } = this.#around;
    if (!this.#around.isChaotic() || world.random() >= chance) return;
    const life = this.#life;
    world.at(between(world, 0, 30), () => {
      if (!life.isOver && this.#around.isChaotic()) this.crash();
    });
  }

  #privacyPorts(life: Life): PrivacyPorts {
    const { world } = this.#around;
    return {
      // Each start counts from somewhere else: nothing may be carried over from one boot to the next.
      clock: { monotonic: () => world.time + this.boots * 1_000_000, wall: () => EPOCH + world.time },
      timers: { sleep: (ms, signal) => life.answer(ms, () => undefined, signal) },
      ids: seededIds(world),
      log: { ...SILENT, warn: (_, fields) => this.#around.checks.warning(this.node, fields?.['error']) },
      store: this.ledger.store(life, () => this.#near(0.002)),
    };
  }

  #ports(life: Life, ports: PrivacyPorts, network: HospitalNetwork): Ports {
    const { site, node, disk } = this;
    const around = this.#around;
    const models = this.runtime.port(life, (held) => this.#mustHave(held));
    return {
      ...ports,
      journal: this.journal.port(life, (entry: Entry) => {
        around.checks.entry(this, entry);
        this.#near(0.006);
      }),
      fetch: simulatedFetch(life, {
        site,
        node,
        around,
        plane: this.#plane,
        disk,
        network,
        ports,
        onBytes: (bytes) => (this.fetchedBytes += bytes),
        near: () => this.#near(0.0004),
      }),
      verify: simulatedVerify(life, disk),
      runtime: models,
      evaluate: simulatedEvaluation(life, {
        seed: around.seed,
        site,
        disk,
        kept: this.kept,
        models,
        isLoaded: (key) => this.runtime.loaded.has(key),
        isSuiteAccepted: (suite) => this.reconciler?.state().durable.suites[suite] !== undefined,
      }),
      serving: this.gateway.serving(life, {
        switching: (service, held) => {
          this.#near(0.02);
          around.checks.switching(this, service, held);
        },
        judging: () => (site === 'primary' ? 'tooFewRequests' : 'ok'),
      }),
      prober: this.gateway.prober(life),
      permits: {
        ask: (question, signal) => {
          const { nonce, assignment } = question;
          this.asked.set(assignment, { nonce, at: around.world.time, boot: this.boots });
          return network.permit(life, question, signal);
        },
      },
      disclose: { state: (part) => network.tellState(part), evidence: (body) => network.tell(body) },
      localTime: { minuteOfWeek: (wall) => Math.floor(wall / 60_000) % (7 * 24 * 60) },
    };
  }

  #mustHave(held: Held): void {
    if (this.disk.files.has(held.artifact.file)) return;
    // What is no longer needed may go while it is still being loaded.
    if (keepOf(this.journal.known).keys.includes(held.key))
      this.#around.checks.breakRule(`${this.node} has given up release ${held.number}, which it needs`);
    throw new Error(`there is no file of release ${held.number}`);
  }
}
