import { ERRORS, type NodeView } from '@openward/contracts';
import { expect, it } from 'vitest';
import type { RefusedNode } from '../reports/refused-reports.ts';
import { at, HEALTHY, HOUR, NODE, NOW } from './doctor.fixture.ts';
import { findings, type DoctorFacts } from './findings.ts';

const whys = (facts: Partial<DoctorFacts>): string[] =>
  findings({ ...HEALTHY, ...facts })
    .filter((it) => it.level !== 'ok')
    .map((it) => `${it.what}: ${it.why}`);

it('finds nothing where all is well, and says so', () => {
  expect(findings({ ...HEALTHY, nodes: [NODE] })).toMatchObject([{ level: 'ok' }]);
});

it('names a node whose reports are refused, how many, and since when', () => {
  const refused = { site: 'lakeside', node: 'lakeside-1', why: 'notAFrame', reports: 420, since: NOW - HOUR };
  const [found] = findings({ ...HEALTHY, refused: [refused as RefusedNode], nodes: [NODE] });
  expect(found).toMatchObject({ level: 'problem', what: 'node lakeside-1 of lakeside', since: at(-HOUR) });
  expect(found?.why).toContain('its reports are refused (420, the last: not a frame)');
});

it('names a policy in its last thirty days and after, and how many nodes serve under it', () => {
  const served = { service: 'triage', release: 4, policy: 'triage-plain@2', nodes: 3 };
  const DAY = 24 * HOUR;
  const until = (ms: number) => ({ policies: [{ ...served, expires: at(ms) }] });
  expect(whys(until(31 * DAY))).toEqual([]);
  const [soon] = findings({ ...HEALTHY, ...until(2 * DAY) });
  expect(soon).toMatchObject({ level: 'warning', what: 'policy triage-plain@2 of triage' });
  expect(soon?.why).toMatch(/expires at .*, in 2 days at most, and 3 nodes serve release 4 under it/);
  expect(findings({ ...HEALTHY, ...until(-1) })[0]).toMatchObject({ level: 'problem' });
});

it('names a node that reports a generation that was never given to it (D6)', () => {
  const ahead = { node: 'oak-1', site: 'oak', reported: { epoch: 9, number: 1 }, held: { epoch: 1, number: 4 } };
  expect(findings({ ...HEALTHY, ahead: [ahead] })[0]).toMatchObject({ level: 'problem', what: 'node oak-1 of oak' });
  expect(whys({ ahead: [ahead] })[0]).toMatch(/9\.1.*never given.*1\.4.*it lies, or this control plane was restored/);
});

it('names what the whole network waits for, first', () => {
  const cause = { node: 'lakeside-1', reported: { epoch: 1, number: 9 }, held: { epoch: 1, number: 4 } };
  const found = findings({ ...HEALTHY, network: { epoch: 1, readOnly: { since: at(-HOUR), cause } } });
  expect(found[0]).toMatchObject({ level: 'problem', what: 'the control plane is read-only', since: at(-HOUR) });
  expect(found[0]?.why).toContain('1.9');
  expect(whys({ links: [{ role: 'rpc', isConnected: false }] })[0]).toContain('NATS (rpc)');
  expect(whys({ outbox: { nodes: 3, oldestMs: 60_000 } })[0]).toContain('3 nodes wait');
  expect(whys({ artifacts: { bytes: 95, quotaBytes: 100 } })[0]).toContain('nearly full');
  const [full] = findings({ ...HEALTHY, artifacts: { bytes: 95, quotaBytes: 100 } });
  for (const advice of [full?.next, ERRORS.quotaExceeded.next]) expect(advice).toContain('openward models retire');
  expect(whys({ certificateUntil: NOW + HOUR })[0]).toContain('certificate');
  const judged = { accepted: true, warnings: ['it can be crashed'] } as const;
  expect(whys({ server: { version: '2.9.10', judged } })[0]).toContain('can be crashed');
});

it.each<[string, Partial<NodeView>, RegExp]>([
  ['silent', { lastReportAt: at(-2 * HOUR) }, /not reported lately/],
  ['out of reach', { link: { connected: false, since: at(-60_000) } }, /not connected/],
  ['never there', { lastReportAt: null }, /never reported/],
  ['without credentials', { credentialsUntil: at(-1) }, /expired/],
  ['too old', { protocol: 0 }, /too old/],
  ['unsafe', { class: { ...NODE.class!, runtimeSafe: 'unsafeAllowed' } }, /ollama 0.10.1 is not safe/],
  [
    'halted',
    { services: [{ service: 'triage', active: null, lastGood: null, anchor: null, serving: 'halted', pinned: true }] },
    /halted triage/,
  ],
  [
    'gone back to its anchor',
    {
      services: [
        {
          service: 'triage',
          active: `sha256:${'1'.repeat(64)}` as const,
          lastGood: `sha256:${'3'.repeat(64)}` as const,
          anchor: `sha256:${'1'.repeat(64)}` as const,
          serving: 'serving',
          pinned: true,
        },
      ],
    },
    /pinned triage, on the first release that it ever committed/,
  ],
  [
    'dark since a recall',
    {
      services: [
        {
          service: 'triage',
          active: null,
          lastGood: `sha256:${'1'.repeat(64)}` as const,
          anchor: null,
          serving: 'notServing',
          pinned: false,
        },
      ],
    },
    /nothing serves triage/,
  ],
])('names a node that is %s, and nothing of one that was revoked', (_what, change, why) => {
  expect(whys({ nodes: [{ ...NODE, ...change }] }).join()).toMatch(why);
  expect(whys({ nodes: [{ ...NODE, ...change, revokedAt: at(0) }] })).toEqual([]);
});

it('says nothing of a service before its first release', () => {
  const services: NodeView['services'] = [
    { service: 'triage', active: null, lastGood: null, anchor: null, serving: 'notServing', pinned: false },
  ];
  expect(whys({ nodes: [{ ...NODE, services }] })).toEqual([]);
});
