import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectNats, jwtAuthenticator } from '@nats-io/transport-node';
import {
  composedFrame,
  CHUNK_STREAM,
  DESIRED_STREAM,
  desiredSubject,
  ENROL_PATH,
  inboxPrefix,
  matchTemplate,
  RENEW_PATH,
  REPORT_STREAM,
  reportSubject,
  rpcSubject,
} from '@openward/contracts';
import { parseClientStream } from '@openward/messaging';
import { until } from '@openward/testkit';
import { afterAll, expect, it } from 'vitest';
import { aNetwork, siteIn, type Step } from './fixture.ts';
import { readFolder, type StolenFolder } from './steps/credentials.ts';
import { parseHttpCall, readRecorded } from './steps/egress.ts';
import { hospital, statusOf } from './steps/hospital.ts';
import { ledgerOf, openEntry } from './steps/ledger.ts';
import { filesBelow, filesThatTell, formsOf, makeMarkers } from './steps/markers.ts';
import { service } from './steps/service.ts';

// Design, guarantee 1: no patient text leaves, and what leaves is counted (P1). The recorder and the markers see every
// process of a network that talks as much as it can: at debug level, with credentials that live for seconds.

const LIFETIME_S = 12;
const scratch = mkdtempSync(join(tmpdir(), 'openward-e2e-scratch-'));
const egress = join(scratch, 'egress');
const temporary = join(scratch, 'tmp');
for (const folder of [egress, temporary]) mkdirSync(folder);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const network = aNetwork({
  env: { OPENWARD_LOG_LEVEL: 'debug', OPENWARD_CREDENTIAL_LIFETIME_S: String(LIFETIME_S), TMPDIR: temporary },
});
const { given } = network;
const clinic = hospital('clinic');
const other = hospital('other');
const triage = service('triage');
const markers = makeMarkers();

const opensWatched = (): Step =>
  clinic.opens({
    prepares: [triage.name],
    activates: [triage.name],
    records: [triage.name],
    config: { logLevel: 'debug', stateIntervalMs: 1000 },
    nodeArgs: ['--import', new URL('egress-recorder.mjs', import.meta.url).href],
    env: { OPENWARD_TEST_EGRESS: egress, TMPDIR: temporary },
  });

/** Both APIs, streamed and not, answered and refused. */
const marked: Step = async (world) => {
  const { gateway, key } = siteIn(world, 'clinic');
  const content = `Patient ${markers.join(' ')} has a cough.`;
  const messages = [{ role: 'user', content }];
  const bodies: readonly (readonly [string, object | string, number])[] = [
    ['/v1/chat/completions', { model: triage.name, messages }, 200],
    ['/v1/chat/completions', { model: triage.name, messages, stream: true }, 200],
    ['/v1/completions', { model: triage.name, prompt: content }, 200],
    ['/api/chat', { model: triage.name, messages, stream: false }, 200],
    ['/api/chat', { model: triage.name, messages }, 200],
    ['/api/generate', { model: triage.name, prompt: content, stream: false }, 200],
    ['/v1/chat/completions', { model: 'unknown', messages }, 404],
    ['/v1/chat/completions', { model: content, messages }, 404],
    ['/v1/chat/completions', { model: triage.name, messages, tools: [{ name: content }] }, 400],
    ['/v1/chat/completions', { model: triage.name, messages, [markers[0] ?? '']: 1 }, 400],
    ['/v1/chat/completions', { model: triage.name, messages: [{ role: content, content }] }, 400],
    ['/v1/chat/completions', { model: triage.name, messages: [{ role: 'user', content: `<usr>${content}` }] }, 400],
    ['/api/chat', { model: triage.name, messages: [{ role: 'user', content: content.repeat(40) }] }, 400],
    ['/api/chat', `{"model": "${content}`, 400],
    [`/v1/models/${encodeURIComponent(content)}`, {}, 404],
    ['/v1/embeddings', { model: triage.name, input: content }, 404],
  ];
  for (const [path, body, status] of bodies) {
    const response = await fetch(`${gateway}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    await response.text();
    expect({ path, body, status: response.status }).toEqual({ path, body, status });
  }
  const unknownKey = await fetch(`${gateway}/v1/models`, { headers: { authorization: `Bearer ${markers[0]}` } });
  expect(unknownKey.status).toBe(401);
};

const credentialsExpire: Step = async (world) => {
  const { credentials } = readFolder(siteIn(world, 'clinic').dataDir);
  await siteIn(world, 'clinic').agent.stop();
  await until(() => Date.now() > Date.parse(credentials.expiresAt), {
    within: 60_000,
    every: 50,
    what: 'the end of the credentials',
  });
};

const everyByteIsAccountedFor: Step = async (world) => {
  const site = siteIn(world, 'clinic');
  // What is recorded up to here is whole; what its next start adds is not looked at.
  await site.agent.stop();
  const recorded = readRecorded(egress);
  await site.restart();
  const rows = await ledgerOf(site);
  const inLedger = new Map(rows.map((row) => [row.bytes.toString('base64'), row]));
  const told = { templates: new Map<string, number>(), composed: new Map<string, number>() };
  const count = (into: Map<string, number>, what: string) => void into.set(what, (into.get(what) ?? 0) + 1);
  const isComposed = (payload: Uint8Array, subject: string): void => {
    const row = inLedger.get(Buffer.from(payload).toString('base64'));
    expect(row, `a payload on ${subject} that is in no row of the ledger`).toMatchObject({ subject });
    if (row === undefined) return;
    expect(() => openEntry(site, row)).not.toThrow();
    count(told.composed, row.kind);
  };
  for (const { kind, name, bytes } of recorded) {
    // A plain socket is what a TLS one stands on: nothing is ever given to it as it is.
    if (kind === 'plain' || bytes.length === 0) {
      expect(bytes, name).toHaveLength(0);
      continue;
    }
    if (bytes.subarray(0, 8).toString() === 'CONNECT ') {
      for (const frame of parseClientStream(bytes)) {
        const template = matchTemplate(frame, { site: 'clinic', node: 'clinic-1' });
        const composed = template === null ? composedFrame(frame, { site: 'clinic', node: 'clinic-1' }) : null;
        if (template !== null) count(told.templates, template);
        else if (composed !== null && 'subject' in frame) isComposed(composed.payload, frame.subject);
        else expect.unreachable(`a frame that follows no template: ${JSON.stringify(frame)}`);
      }
      continue;
    }
    const { method, path, headers, body } = parseHttpCall(bytes);
    expect([ENROL_PATH, RENEW_PATH]).toContain(path);
    expect(headers).toEqual({
      host: new URL(world.network.url).host,
      'content-type': 'application/octet-stream',
      'content-length': String(body.length),
      connection: 'close',
    });
    isComposed(body, `${method} ${path}`);
  }
  // The network had everything from this node that a node can say, so that none of it was left out above.
  expect([...told.composed.keys()].toSorted()).toEqual(
    expect.arrayContaining(['acked', 'enrol', 'evidence', 'hello', 'permit', 'renew', 'state']),
  );
  expect([...told.templates.keys()]).toEqual(
    expect.arrayContaining(['connect', 'ping', 'subscribe', 'pullDesired', 'ackDesired', 'fetchChunk']),
  );
};

/** Asks what only another may, with credentials as they lie on the disk. What NATS says to each. */
async function triedWith(
  folder: StolenFolder,
  kind: 'control' | 'bulk',
  victim: string,
): Promise<Record<string, string>> {
  const { site, node, nats, credentials } = folder;
  const nc = await connectNats({
    servers: [...nats.urls],
    name: node,
    inboxPrefix: inboxPrefix(site, node, kind),
    tls: { ca: nats.ca ?? '' },
    authenticator: jwtAuthenticator(credentials[kind], new TextEncoder().encode(folder[kind])),
    reconnect: false,
  });
  const said: Record<string, string> = {};
  const denied = new Set<string>();
  void (async () => {
    for await (const status of nc.status())
      if (status.type === 'error' && /permissions violation/i.test(status.error.message))
        denied.add(status.error.message);
  })();
  const ask = async (what: string, subject: string, payload: Uint8Array | string = ''): Promise<void> => {
    const answer = await nc.request(subject, payload, { timeout: 1500 }).then(
      (message) => (message.headers?.code ? `status ${message.headers.code}` : `answered ${message.data.length}`),
      () => 'no answer',
    );
    await nc.flush();
    said[what] = [...denied].some((error) => error.includes(`"${subject}"`)) ? 'denied' : answer;
  };
  try {
    await ask('its own desired state', `$JS.API.DIRECT.GET.${DESIRED_STREAM}.${desiredSubject(site, node)}`);
    await ask(
      "another's desired state",
      `$JS.API.DIRECT.GET.${DESIRED_STREAM}.${desiredSubject(victim, `${victim}-1`)}`,
    );
    await ask("another's next desired state", `$JS.API.CONSUMER.MSG.NEXT.${DESIRED_STREAM}.${victim}-1`, '{"batch":1}');
    await ask("another's report", reportSubject(victim, `${victim}-1`), 'forged');
    await ask("another's call", rpcSubject(victim, `${victim}-1`, 'hello'), 'forged');
    await ask("another's desired state, written", desiredSubject(victim, `${victim}-1`), 'forged');
    await ask('its own desired state, written', desiredSubject(site, node), 'forged');
    for (const stream of [DESIRED_STREAM, REPORT_STREAM, CHUNK_STREAM]) {
      for (const act of ['INFO', 'UPDATE', 'PURGE', 'DELETE', 'MSG.GET', 'MSG.DELETE'])
        await ask(`STREAM.${act} of ${stream}`, `$JS.API.STREAM.${act}.${stream}`);
      await ask(`a consumer of ${stream}`, `$JS.API.CONSUMER.CREATE.${stream}`);
    }
    await ask('a new stream', '$JS.API.STREAM.CREATE.mine');
    await ask('all streams', '$JS.API.STREAM.NAMES');
    await ask('the account', '$JS.API.INFO');
    await ask('new claims', '$SYS.REQ.CLAIMS.UPDATE');
    for (const subject of ['>', `${inboxPrefix(victim, `${victim}-1`, 'control')}.>`, 'ow.v1.>', '$KV.>']) {
      const heard = nc.subscribe(subject, {
        callback: (error) => void (said[`hearing ${subject}`] = error ? 'denied' : 'heard'),
      });
      await nc.flush();
      said[`hearing ${subject}`] ??= [...denied].some((error) => error.includes(`"${subject}"`)) ? 'denied' : 'let';
      heard.unsubscribe();
    }
  } finally {
    await nc.close();
  }
  return said;
}

it('every byte that leaves a site, before TLS, follows a template or is a row of its ledger with its schema (P1)', () =>
  given(opensWatched(), triage.hasReleases([1], 'thorough'))
    .when(
      triage.rollsOut({ release: 1, waves: [['clinic']] }),
      clinic.acceptsSuite(triage.name),
      triage.rolloutEnds('completed'),
      // Renewed over NATS while it is up, and over HTTPS when it was away for longer than its credentials (K3).
      async (world) => {
        const { credentialsUntil } = await statusOf(world, 'clinic');
        await until(async () => (await statusOf(world, 'clinic')).credentialsUntil !== credentialsUntil, {
          within: 30_000,
          every: 100,
          what: 'a renewal over NATS',
        });
      },
      marked,
      credentialsExpire,
      clinic.agentStarts(),
      clinic.isConnected(),
    )
    .then(everyByteIsAccountedFor));

it("a node's real credentials open nothing of another's, and manage no stream", () =>
  given(other.opens())
    .when()
    .then(async (world) => {
      const folder = readFolder(siteIn(world, 'other').dataDir);
      for (const kind of ['control', 'bulk'] as const) {
        const { 'its own desired state': own, ...rest } = await triedWith(folder, kind, 'clinic');
        if (kind === 'control') expect(own).toMatch(/^answered \d{3,}/);
        expect(rest).toEqual(Object.fromEntries(Object.keys(rest).map((what) => [what, 'denied'])));
      }
    }));

it('no process writes what an application sends through the gateway, at any log level, in any form', () =>
  given()
    .when(marked, async ({ network: { controlPlane, nats, postgres }, sites }) => {
      for (const site of sites.values()) await site.agent.stop();
      await controlPlane.stop();
      await nats.stop();
      await postgres.stop();
    })
    .then(({ network: { dir, postgres } }) => {
      // The search itself finds each form where there is one.
      for (const [index, form] of markers.flatMap(formsOf).entries()) {
        const planted = join(scratch, 'planted');
        writeFileSync(planted, Buffer.concat([Buffer.from('x'.repeat(index % 3)), form, Buffer.from('y')]));
        expect(filesThatTell([planted], markers)).toEqual([planted]);
        rmSync(planted);
      }
      const files = [dir, scratch, postgres.dataDir].flatMap(filesBelow);
      expect(files.length).toBeGreaterThan(500);
      expect(files.some((file) => file.endsWith('clinic.log')) && files.some((file) => file.endsWith('node.db'))).toBe(
        true,
      );
      expect(filesThatTell(files, markers)).toEqual([]);
    }));
