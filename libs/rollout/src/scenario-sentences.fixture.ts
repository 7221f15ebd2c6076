import type { NodeStep, OwnEvidence, ReasonCode, Tier, WaitCode } from '@openward/contracts';
import { command } from './command.driver.ts';
import { DEFAULT_ENGINE_SETTINGS } from './events.ts';
import type { Hospital, Network } from './scenario-network.fixture.ts';
import { releaseDigest } from './testing-fixtures.ts';

// What may happen in a scenario, in the words of a domain expert.

export type Act = (network: Network, match: RegExpExecArray) => Promise<void> | void;
const PASS: OwnEvidence = { verdict: 'pass', reason: 'withinMargin' };
const FAIL: OwnEvidence = { verdict: 'fail', reason: 'marginExceeded' };
const gate = (evidence: OwnEvidence, waivedBySite = false) => ({ ...evidence, waivedBySite });
const of =
  (act: (network: Network, it: Hospital, match: RegExpExecArray) => Promise<void> | void): Act =>
  (network, match) =>
    act(network, network.hospital(match[1]!), match);

/** Every sentence that a scenario may use. */
export const SENTENCES: readonly (readonly [RegExp, Act])[] = [
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
  [/^(\w+) soaks well$/, of((network, it) => network.say(it, 'active', { soak: 'ok', waitsFor: 'wave' }))],
  [/^(\w+) has too many errors in its soak$/, of((network, it) => network.say(it, 'active', { soak: 'over' }))],
  [
    /^(\w+) soaks with too few requests$/,
    of((network, it) => network.say(it, 'active', { soak: 'tooFewRequests', waitsFor: 'wave' })),
  ],
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
