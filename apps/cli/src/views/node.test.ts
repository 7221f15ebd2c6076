import { NodeOffer, NodeStatus } from '@openward/client';
import { expect, it } from 'vitest';
import { plain } from '../terminal.ts';
import { findingsText } from './findings.ts';
import { offersText, statusText } from './node.ts';

const status = (rest: object = {}) =>
  NodeStatus.parse({
    site: 'kisumu',
    node: 'kisumu-1',
    gateway: null,
    connected: true,
    credentialsUntil: '2026-04-01T00:00:00Z',
    uptimeHours: 2,
    serving: [
      { service: 'triage', number: 2, release: `sha256:${'2'.repeat(64)}`, stopped: null, policyExpired: false },
    ],
    report: { services: [] },
    fetches: [],
    fetchedBytes: 0,
    pid: 7,
    ...rest,
  });

it('N5 says beforehand what a step back goes to, and that the anchor has to be named', () => {
  const findings = [{ why: 'stands on release 2, by this site’s own hand', next: 'openward node unpin triage' }];
  const standing = [{ service: 'triage', wayBack: { number: 1, isAnchor: true }, findings }];
  const text = statusText(status({ standing }), plain);
  expect(text).toMatch(/triage +serving +2 +sha256:2+ +release 1, the anchor, if named/);
  expect(text).toContain('triage: stands on release 2, by this site’s own hand. Next: openward node unpin triage.');
  expect(statusText(status(), plain)).toMatch(/triage +serving +2 +sha256:2+ +-/);
});

it('a service whose callers all get the fallback text, since its policy expired, is not said to serve', () => {
  const [one] = status().serving;
  const text = statusText(status({ serving: [{ ...one!, policyExpired: true }] }), plain);
  expect(text).toMatch(/triage +policy expired: fallback text +2/);
});

it('does not say of a network that is there that it has to come back', () => {
  const row = { level: 'warning', what: 'triage', why: 'waits', next: '', clearedBy: 'network' } as const;
  expect(findingsText([row], 0, plain)).toContain('(cleared by the network)');
});

it('an offer says what is missing on this disk, and its whole size where a part of it is here', () => {
  const offer = (missingBytes: number | null) =>
    NodeOffer.parse({
      service: 'triage',
      assignment: 'as-1',
      release: `sha256:${'2'.repeat(64)}`,
      number: 2,
      change: 'policyText',
      model: 'nano 1.0',
      variant: 'q4',
      bytes: 1_380_000,
      ...(missingBytes === null ? {} : { missingBytes }),
      suite: { digest: `sha256:${'3'.repeat(64)}`, readsSiteData: false, accepted: true },
      step: 'awaitingPreparation',
      question: 'prepare',
      waitsFor: 'consentToPrepare',
      deferredUntil: null,
      gate: null,
      result: null,
    });
  const said = (missingBytes: number | null) => /to fetch +(.*)/.exec(offersText([offer(missingBytes)], plain))?.[1];
  expect(said(3200)).toBe('3.20 kB at most; of its 1.38 MB the rest is on this disk');
  expect(said(0)).toBe('nothing; of its 1.38 MB the rest is on this disk');
  expect(said(1_380_000)).toBe('1.38 MB at most');
  expect(said(null)).toBe('1.38 MB at most');
});
