import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  digestOf,
  plainPolicy,
  type ChatTemplate,
  type Log,
  type PolicyRule,
  type PromptPolicy,
  type Release,
} from '@openward/contracts';
import type { Held } from '@openward/activation';
import type { PolicyHitCount } from '@openward/persistence/node';
import { NO_SITE_TERMS, type SiteTerms } from '@openward/policy';
import type { GenerateEvent, GenerateRequest, Runtime } from '@openward/runtime';
import { compiledPolicy } from './compiled.ts';
import { createGateway, type GatewayOptions } from './gateway.ts';
import { PolicyCounts } from './policy-counts.ts';
import { keyOf, releaseOf } from './release.fixture.ts';
import { ServedReleases } from './served.ts';
import type { Shadow } from './shadow.ts';
import { Slots } from './slots.ts';

// A gateway with one service under a policy, real HTTP, and a runtime that says what a test wants.

export const TODAY = '2026-03-01';

export const policyWith = (given: Partial<PromptPolicy>): PromptPolicy => ({
  ...plainPolicy('SYS', { id: 'clinic', revision: 3, languages: ['en', 'fr'] }),
  ...given,
});

export const ruleWith = (
  given: Pick<PolicyRule, 'id' | 'stage' | 'match' | 'action'> & Partial<PolicyRule>,
): PolicyRule => ({ description: given.id, mode: 'enforce', timeLimitMs: 1_000, ...given });

export const words = (...en: [string, ...string[]]): PolicyRule['match'] => ({
  kind: 'topic',
  phrases: { en, fr: en },
});

const plain = releaseOf(1, { contextLength: 16_384, variants: [] });
/** The number that the site may set is the service's; `112` where it sets none. */
const releaseWith = (policy: PromptPolicy, template: ChatTemplate): Release => ({
  ...plain,
  model: { ...plain.model, template },
  service: {
    ...plain.service,
    fallbackText: 'Call {{emergencyNumber}}.',
    variables: [{ name: 'emergencyNumber', description: 'd', default: '112', setBySite: true }],
  },
  change: 'policyRule',
  policy,
  parameters: { temperature: 0.25, maxTokens: 100 },
});

/** Says `pieces`, one an event, and waits for `gate` before the last. */
export class SayingRuntime implements Pick<Runtime, 'generate'> {
  readonly asked: GenerateRequest[] = [];
  pieces: readonly string[] = ['ok'];
  finishReason: 'stop' | 'length' = 'stop';
  gate: Promise<void> = Promise.resolve();
  async *generate(request: GenerateRequest): AsyncGenerator<GenerateEvent> {
    this.asked.push(request);
    for (const [index, text] of this.pieces.entries()) {
      if (index === this.pieces.length - 1) await this.gate;
      yield { type: 'text', text };
    }
    yield { type: 'end', finishReason: this.finishReason, promptTokens: 3, completionTokens: 2 };
  }
}

export interface PolicyWorld {
  readonly url: string;
  readonly runtime: SayingRuntime;
  readonly served: ServedReleases;
  readonly counts: PolicyCounts;
  readonly seen: Parameters<GatewayOptions['observe']>[0][];
  /** What a log was told: the level, the name, and what stood beside. */
  readonly told: (readonly [level: keyof Log, event: string, beside: object])[];
  /** What a test may change while the gateway runs. */
  readonly site: {
    terms: SiteTerms;
    onExpiry: 'goOn' | 'fallback';
    shadow: Shadow | null;
    clockStepMs: number;
    countTokens: (prompt: string) => Promise<number>;
    /** Of the model's vocabulary. */
    marks: readonly string[];
  };
  close(): void;
}

/** `before`: what served until the policy did. */
export async function serveUnder(
  policy: PromptPolicy,
  before: PromptPolicy | null = null,
  template: ChatTemplate = plain.model.template,
): Promise<PolicyWorld> {
  const runtime = new SayingRuntime();
  const site: PolicyWorld['site'] = {
    terms: NO_SITE_TERMS,
    onExpiry: 'goOn',
    shadow: null,
    clockStepMs: 0,
    countTokens: (prompt) => Promise.resolve(prompt.length),
    marks: [],
  };
  const seen: PolicyWorld['seen'] = [];
  const told: PolicyWorld['told'] = [];
  const tell =
    (level: keyof Log) =>
    (event: string, beside: object = {}) =>
      void told.push([level, event, beside]);
  const releases = [...(before === null ? [] : [before]), policy].map((one) => releaseWith(one, template));
  const served = new ServedReleases({
    releaseOf: ({ release }) => Promise.resolve(releases.find((one) => digestOf(one) === release)!),
    cameFrom: () => null,
    compile: (one) => compiledPolicy(one, site.terms),
    terms: () => site.terms,
    drainMs: 1_000,
    now: () => 0,
  });
  const counts = new PolicyCounts(() => TODAY);
  let ahead = 0;
  const server = createServer(
    createGateway({
      runtime: runtime as unknown as Runtime,
      served,
      policies: { today: () => TODAY, onExpiry: () => site.onExpiry, shadowOf: () => site.shadow, counts },
      slots: new Slots(2, 8),
      countTokens: (_, prompt) => site.countTokens(prompt),
      marksOf: () => Promise.resolve(site.marks),
      keyOf,
      limits: { bytes: 1_000_000, ms: 5_000 },
      version: '0.1.0',
      health: () => ({ restored: true, ready: true, details: {} }),
      observe: (one) => void seen.push(one),
      log: { info: tell('info'), warn: tell('warn'), error: tell('error') },
      // It stands still unless a test moves it: how busy the machine is decides nothing about rules and shadows.
      monotonic: () => (ahead += site.clockStepMs),
      wall: () => Date.parse('2026-03-01T12:00:00Z'),
    }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  for (const release of releases) {
    const held = { key: 'key', release: digestOf(release), number: 1, variant: 'f16', chain: null };
    await served.switchTo('triage', held as unknown as Held);
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    runtime,
    served,
    counts,
    seen,
    told,
    site,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** What was counted so far, in short: `rule mode action count`, where no rule is meant `*` and the stage. */
export const shortly = (counts: readonly PolicyHitCount[]): string[] =>
  counts.map(({ rule, stage, mode, action, count }) => `${rule ?? `* ${stage}`} ${mode} ${action} ${count}`).toSorted();

/** What the soak of the release that is served would say if it ended now, with one request enough and no error let pass. */
export const soakOf = (served: ServedReleases, final = true): ReturnType<ServedReleases['judge']> =>
  served.judge('triage', { key: 'key', release: served.list()[0]!.release } as never, {
    final,
    errorShare: 0,
    minRequests: 1,
    minFailed: 1,
  });
