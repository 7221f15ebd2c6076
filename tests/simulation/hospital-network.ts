import {
  type AckedReply,
  type EvidenceBody,
  type Name,
  type PermitReply,
  PROTOCOL,
  reportSubject,
  RPC,
  type RpcOperation,
  rpcSubject,
  type StateBody,
} from '@openward/contracts';
import type { Permits, StatePart } from '@openward/activation';
import type { Life } from '@openward/activation/testing';
import {
  compareLedgers,
  createBell,
  createDisclosureGate,
  type DisclosureGate,
  type PrivacyPorts,
  runOutbox,
} from '@openward/privacy';
import { openDocument, type SigningKey } from '@openward/trust';
import type { z } from 'zod';
import type { SiteName } from './catalogue.ts';
import type { ControlPlane } from './control-plane.ts';
import type { SimulatedLedger } from './ledger.ts';
import { NETWORK_KEY, RUNTIME_VERSION, type Surroundings } from './surroundings.ts';

const THREADS: Readonly<Record<SiteName, number>> = { referral: 4, district: 2, primary: 1 };
const ANSWER_WITHIN_MS = 3000;
const HELLO_AGAIN_MS = 2000;
const STATE_EVERY_MS = 60_000;

export interface Speaker {
  readonly site: SiteName;
  readonly node: Name;
  readonly key: SigningKey;
  readonly ledger: SimulatedLedger;
}

/** In one life of a hospital's machine: its way to the network, through the real disclosure gate and outbox. */
export class HospitalNetwork {
  /** From its first answer on: before, the node takes nothing from the network. */
  isOnline = false;
  readonly #speaker: Speaker;
  readonly #around: Surroundings;
  readonly #plane: ControlPlane;
  readonly #ports: PrivacyPorts;
  readonly #gate: DisclosureGate;
  readonly #bell = createBell();
  readonly #boot: string;

  constructor(speaker: Speaker, around: Surroundings, plane: ControlPlane, ports: PrivacyPorts) {
    const { site, node, key } = speaker;
    this.#speaker = speaker;
    this.#around = around;
    this.#plane = plane;
    this.#ports = ports;
    this.#boot = ports.ids.uuid();
    this.#gate = createDisclosureGate(ports, {
      site,
      node,
      boot: this.#boot,
      identity: key,
      reportSubject: reportSubject(site, node),
    });
  }

  async tell(body: StateBody | EvidenceBody): Promise<void> {
    await this.#gate.report(body);
    this.#bell.ring();
  }

  tellState({ generation, services, suites }: StatePart): Promise<void> {
    return this.tell({
      type: 'state',
      agentVersion: '0.1.0',
      protocol: PROTOCOL,
      class: {
        threads: THREADS[this.#speaker.site],
        memoryGiB: 4,
        diskGiB: 256,
        diskFreePercent: 50,
        runtime: 'llamaCpp',
        runtimeServers: 1,
        runtimeVersion: RUNTIME_VERSION,
        runtimeSafe: 'safe',
      },
      uptimeHours: 0,
      generation,
      services,
      suites,
    });
  }

  permit(life: Life, question: Parameters<Permits['ask']>[0], signal: AbortSignal): Promise<PermitReply> {
    const { nonce, assignment, planHash, release } = question;
    return this.#call(life, 'permit', nonce, { assignment, planHash, release }, RPC.permit.reply, signal);
  }

  refill(life: Life, question: object): Promise<{ readonly retryAfterMs: number }> {
    return this.#call(life, 'refill', this.#ports.ids.nonce(), question, RPC.refill.reply);
  }

  /** As the agent: hello until it is answered, then the outbox, and the whole state now and then. */
  async run(life: Life, report: () => StatePart): Promise<void> {
    const { link } = this.#around;
    const { node } = this.#speaker;
    while (!(await this.#greet(life))) await this.#ports.timers.sleep(HELLO_AGAIN_MS);
    this.isOnline = true;
    await this.tellState(report());
    void this.#tellStateNowAndThen(report);
    const { signal } = new AbortController();
    const connected = async (): Promise<void> => {
      await link.whenConnected(node);
      return life.answer(0, () => undefined);
    };
    const publish = (frame: Uint8Array): Promise<void> =>
      new Promise((resolve, reject) => {
        this.#plane.publish(node, frame, () => life.isOver || resolve());
        void life.answer(ANSWER_WITHIN_MS, () => reject(new Error('the stream does not answer')));
      });
    const acked = (through: number): Promise<AckedReply> =>
      this.#call(life, 'acked', this.#ports.ids.nonce(), { through }, RPC.acked.reply);
    await runOutbox(this.#ports, { connected, publish, acked }, this.#bell, signal);
  }

  async #tellStateNowAndThen(report: () => StatePart): Promise<never> {
    for (;;) {
      await this.#ports.timers.sleep(STATE_EVERY_MS);
      if (!this.#around.link.isCut(this.#speaker.node)) await this.tellState(report());
    }
  }

  /** P8: no disk here was ever restored, so the ledger is never behind what the network has accepted. */
  async #greet(life: Life): Promise<boolean> {
    const { store, ids } = this.#ports;
    const { node, ledger } = this.#speaker;
    await this.#around.link.whenConnected(node);
    try {
      const [head, lastSeq] = [await store.head(), await store.newestReport()];
      const question = { boot: this.#boot, lastSeq, ledger: head };
      const reply = await this.#call(life, 'hello', ids.nonce(), question, RPC.hello.reply);
      const compared = compareLedgers(reply.ledger, head, (seq) => ledger.headAt(seq));
      if (compared === 'behind' || compared === 'forked' || reply.newestSeq > lastSeq)
        this.#around.checks.breakRule(`the ledger of ${node} is ${compared} what was accepted`);
      await store.acknowledge(reply.ackedThrough);
      return true;
    } catch {
      return false;
    }
  }

  /** One question, in the ledger before it is sent; its answer is the network's, and to this very question. */
  async #call<S extends z.ZodType<{ readonly nonce: string }>>(
    life: Life,
    operation: RpcOperation,
    nonce: string,
    question: object,
    schema: S,
    signal?: AbortSignal,
  ): Promise<z.output<S>> {
    const { site, node } = this.#speaker;
    const subject = rpcSubject(site, node, operation);
    const payload = RPC[operation].request.parse({ v: 1, nonce, ...question });
    const frame = await this.#gate.request(operation, subject, payload);
    const answer = await new Promise<Uint8Array>((resolve, reject) => {
      signal?.addEventListener('abort', () => life.isOver || reject(new Error('aborted')), { once: true });
      void life.answer(ANSWER_WITHIN_MS, () => reject(new Error('no answer')));
      this.#plane.ask(node, operation, frame, (reply) => life.isOver || resolve(reply));
    });
    const opened = openDocument(subject, answer, [NETWORK_KEY.publicKey], schema);
    if ('refused' in opened) throw new Error(`the answer is not the network's: ${opened.refused}`);
    if (opened.value.nonce !== nonce) throw new Error('the answer is an old one');
    return opened.value;
  }
}
