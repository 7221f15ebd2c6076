import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeStep } from '@openward/contracts';
import { dataSetOf, startSite, type SiteSettings } from '@openward/demo/harness';
import { freePort, until } from '@openward/testkit';
import { expect } from 'vitest';
import { siteIn, type Step, type World } from '../fixture.ts';
import { frozenRuntimes, thawRuntimes } from './children.ts';

// What happens in one hospital: what hospital IT types, what its clinic asks, and what befalls the machine.

/** The parts of a node's own status that cases look at. */
export interface OwnStatus {
  readonly connected: boolean;
  readonly credentialsUntil: string;
  readonly pid: number;
  readonly report: {
    readonly generation: { readonly epoch: number; readonly number: number } | null;
    readonly services: readonly {
      readonly service: string;
      readonly active: string | null;
      readonly serving: string;
      readonly assignment?: {
        readonly step: NodeStep;
        readonly waitsFor?: string;
        readonly progress?: number;
        readonly soak?: string;
        readonly restarts: number;
      };
    }[];
  };
  readonly fetches: readonly { readonly service: string; readonly doneBytes: number; readonly totalBytes: number }[];
  readonly fetchedBytes: number;
  /** By file, since the agent's start. */
  readonly modelLoads: Readonly<Record<string, number>>;
  readonly policyRefusals: readonly {
    readonly service: string;
    readonly number: number;
    readonly findings: readonly { readonly code: string; readonly where: string }[];
  }[];
}

export interface Offer {
  readonly service: string;
  readonly assignment: string;
  readonly step: NodeStep;
  readonly question: string | null;
  readonly waitsFor: string | null;
  readonly suite: { readonly digest: string; readonly accepted: boolean };
}

export const statusOf = (world: World, name: string): Promise<OwnStatus> =>
  siteIn(world, name).local<OwnStatus>('GET', '/status');

export const partOf = (status: OwnStatus, service: string) =>
  status.report.services.find((one) => one.service === service);

export const offerOf = async (world: World, name: string, service: string): Promise<Offer | undefined> => {
  const { items } = await siteIn(world, name).local<{ items: Offer[] }>('GET', '/offers');
  return items.find((offer) => offer.service === service);
};

export interface Opening extends Partial<SiteSettings> {
  /** Standing rules (N2): services that need nobody's word, before the fetch and before they serve. None by default. */
  readonly prepares?: readonly string[];
  readonly activates?: readonly string[];
  /** Services for which the hospital holds labelled records of its own. */
  readonly records?: readonly string[];
}

export interface Answer {
  readonly status: number;
  readonly release: string | null;
  readonly text: string;
}

export async function ask(
  world: World,
  name: string,
  service: string,
  content = 'Patient reports slurred speech.',
): Promise<Answer> {
  const { gateway, key } = siteIn(world, name);
  const response = await fetch(`${gateway}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: service, messages: [{ role: 'user', content }] }),
  });
  return { status: response.status, release: response.headers.get('x-openward-release'), text: await response.text() };
}

/** A hospital's name in a sentence: what it is said to do is a step. */
export const hospital = (name: string) => {
  const command =
    (kind: string, about: object): Step =>
    (world) =>
      siteIn(world, name).local('POST', '/commands', { kind, ...about });
  const doing =
    (service: string, step: NodeStep, quarters = 0): Step =>
    (world) =>
      until(
        async () => {
          const at = partOf(await statusOf(world, name), service)?.assignment;
          return at?.step === step && (at.progress ?? 0) >= quarters;
        },
        { within: 60_000, every: 5, what: `${name} is at ${step} with ${service}` },
      );

  return {
    name,

    opens:
      ({ prepares = [], activates = [], records = [], ...settings }: Opening = {}): Step =>
      async (world) => {
        const gatewayPort = await freePort();
        const site = await startSite(world.network, { name, tier: 'referral', threads: 2, gatewayPort, ...settings });
        world.sites.set(name, site);
        for (const service of records) await site.local('POST', '/data', dataSetOf('referral', service));
        const rule = (services: readonly string[]) => (services.length === 0 ? [] : [{ services }]);
        const rules = { prepare: rule(prepares), activate: rule(activates) };
        await site.local('POST', '/commands', { kind: 'setRules', rules });
        // A plan takes a node only once it has told of itself.
        await until(async () => (await world.network.api.nodes.get(site.node)).lastReportAt !== null, {
          within: 30_000,
          every: 50,
          what: `the network has heard of ${name}`,
        });
      },

    // Hospital IT.
    acceptsSuite:
      (service: string): Step =>
      async (world) => {
        const offer = await asked(world, name, service, 'acceptSuite');
        await siteIn(world, name).local('POST', '/commands', { kind: 'acceptSuite', suite: offer.suite.digest });
      },
    accepts:
      (service: string, question: 'prepare' | 'activate'): Step =>
      async (world) => {
        const { assignment } = await asked(world, name, service, question);
        const answer = { kind: 'accept', service, assignment, question };
        await siteIn(world, name).local('POST', '/commands', answer);
      },
    rejects: (service: string, reason: string): Step => command('reject', { service, reason }),
    halts: (service: string): Step => command('halt', { service }),
    resumes: (service: string): Step => command('resume', { service }),
    isAsked:
      (service: string, question: string): Step =>
      (world) =>
        asked(world, name, service, question),

    // What one sees of the node itself.
    is: doing,
    hasFetchedSome:
      (service: string): Step =>
      (world) =>
        until(
          async () =>
            (await statusOf(world, name)).fetches.some(
              (file) =>
                file.service === service &&
                file.totalBytes > 500_000 &&
                file.doneBytes > 0 &&
                file.doneBytes < file.totalBytes,
            ),
          { within: 60_000, every: 5, what: `${name} has fetched a part of ${service}` },
        ),
    hasSoaked:
      (service: string): Step =>
      (world) =>
        until(
          async () =>
            ['ok', 'tooFewRequests'].includes(partOf(await statusOf(world, name), service)?.assignment?.soak ?? ''),
          { within: 60_000, every: 20, what: `${name} has soaked ${service}` },
        ),
    isConnected: (): Step => (world) =>
      until(async () => (await statusOf(world, name)).connected, { within: 30_000, what: `${name} is connected` }),
    isCutOff: (): Step => (world) =>
      until(async () => !(await statusOf(world, name)).connected, { within: 30_000, what: `${name} is cut off` }),
    /** Whole files and partial ones. */
    storeHolds:
      (files: number): Step =>
      (world) => {
        const folder = join(siteIn(world, name).dataDir, 'store');
        expect(['files', 'partial', 'pieces'].flatMap((part) => readdirSync(join(folder, part)))).toHaveLength(files);
      },

    // The clinic.
    isAnsweredBy:
      (service: string, release: number): Step =>
      async (world) => {
        expect(await ask(world, name, service)).toMatchObject({ status: 200, release: String(release) });
      },
    isRefused:
      (service: string, code: string, says: string): Step =>
      async (world) => {
        const { status, text } = await ask(world, name, service);
        expect({ status, ...(JSON.parse(text) as { error: object }).error }).toMatchObject({
          status: 503,
          code,
          message: expect.stringContaining(says) as string,
        });
      },

    // What befalls it.
    lineIsCut: (): Step => (world) => siteIn(world, name).line.cut(),
    lineIsMended: (): Step => (world) => siteIn(world, name).line.mend(),
    agentIsKilled: (): Step => async (world) => {
      await siteIn(world, name).agent.kill9();
      thawRuntimes(name);
    },
    agentStarts: (): Step => (world) => siteIn(world, name).restart(),
    /** Its runtime stands still until the agent is killed: whatever asks it, waits. */
    runtimeFreezes: (): Step => (world) => frozenRuntimes(name, siteIn(world, name).agent.pid),
  };
};

function asked(world: World, name: string, service: string, question: string): Promise<Offer> {
  return until(
    async () => {
      const offer = await offerOf(world, name, service);
      return offer?.question === question ? offer : undefined;
    },
    { within: 60_000, every: 20, what: `${name} is asked ${question} about ${service}` },
  );
}
