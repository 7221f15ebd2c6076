import { natsServers, startNatsNetwork, until, type NatsNetwork, type TestNode } from '@openward/testkit';
import { decode } from '@nats-io/jwt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accountJwts, createAuthority } from './authority.ts';
import { pushAccountClaims } from './claims.ts';
import type { NodeLink } from './connect-node.ts';
import type { LinkEvent } from './link-events.ts';
import { serveCalls } from './nest/serving.fixture.ts';
import { type CallError, request } from './rpc.ts';

const frame = (text: string): Uint8Array => new TextEncoder().encode(text);
/** A call that nobody answers, until a test says so. */
const SILENCE = 'silence';
const echo = async (link: NodeLink, text: string): Promise<string> =>
  new TextDecoder().decode((await request(link, 'hello', frame(text), { timeoutMs: 1_000 })).frame);

describe.each(natsServers())('a link to server $version', ({ path, version }) => {
  let network: NatsNetwork;
  let node: TestNode;
  let events: LinkEvent['type'][];
  let silence: PromiseWithResolvers<Uint8Array>;
  const onEvent = (event: LinkEvent): void => void events.push(event.type);
  const seen = (type: LinkEvent['type'], within = 10_000): Promise<boolean> =>
    until(() => events.includes(type), { within, what: `${type} among ${events.join(', ')}` });

  beforeEach(async () => {
    events = [];
    silence = Promise.withResolvers();
    network = await startNatsNetwork({ bin: path, version });
    node = await network.enrol({ site: 's1', node: 'n1' });
    await serveCalls(network.rpc, (call) =>
      Buffer.from(call).toString() === SILENCE ? silence.promise : Promise.resolve(call),
    );
  });
  afterEach(() => network.close());

  it('goes on with renewed credentials without a restart', async () => {
    const link = await node.connect('control', { onEvent });
    for (let renewal = 0; renewal < 3; renewal++) {
      await node.mint();
      await link.renew();
      expect(await echo(link, 'hello')).toBe('hello');
    }
    expect(events).toEqual(['connected', ...Array.from({ length: 3 }, () => ['disconnected', 'connected']).flat()]);
  });

  it('comes back by itself once its credentials, which had expired, are renewed', async () => {
    await node.mint(2_000);
    const link = await node.connect('control', { onEvent });
    await seen('expired');
    await seen('refused');
    expect(link.isConnected).toBe(false);
    await node.mint();
    await link.whenConnected(AbortSignal.timeout(10_000));
    expect(await echo(link, 'back')).toBe('back');
  });

  it('waits for credentials that the server takes when it first connects', async () => {
    await node.mint(-10_000);
    const connecting = node.connect('control', { onEvent });
    await seen('refused');
    await node.mint();
    expect((await connecting).isConnected).toBe(true);
  });

  it('gives up its first connection when it is told to', async () => {
    await network.server().stop();
    const ending = new AbortController();
    const connecting = node.connect('control', { onEvent, signal: ending.signal });
    await seen('error');
    ending.abort(new Error('told to stop'));
    await expect(connecting).rejects.toThrow('told to stop');
    await network.start();
  });

  it('is cut off within a second of a revocation, and nobody else is', async () => {
    const other = await network.enrol({ site: 's1', node: 'n2' });
    const otherEvents: string[] = [];
    const otherLink = await other.connect('control', { onEvent: (event) => otherEvents.push(event.type) });
    const link = await node.connect('control', { onEvent });
    await network.revoke(node);
    await seen('revoked', 1_000);
    await seen('refused');
    expect(link.isConnected).toBe(false);
    expect(otherEvents).toEqual(['connected']);
    expect(await echo(otherLink, 'still')).toBe('still');
  });

  it('stays cut off over a restart of the server, though its configuration was written anew since', async () => {
    await network.revoke(node);
    await network.server().kill9();
    await network.start();
    const ending = new AbortController();
    const connecting = node.connect('control', { onEvent, signal: ending.signal });
    await seen('refused');
    ending.abort(new Error('told to stop'));
    await expect(connecting).rejects.toThrow('told to stop');
  });

  it('claims that say the same leave the server those that it has, with whatever is under way', async () => {
    const signed = () => accountJwts(network.authority, []);
    const first = await signed();
    await pushAccountClaims(network.sys, first);
    const lookUp = async () => {
      const { sub } = decode(first.core);
      return (await network.sys.nc.request(`$SYS.REQ.ACCOUNT.${sub}.CLAIMS.LOOKUP`)).string();
    };
    const held = await lookUp();
    const later = await until(async () => ((await signed()).core === held ? undefined : signed()), {
      within: 5_000,
      what: 'claims of a later second',
    });
    await pushAccountClaims(network.sys, later);
    expect(await lookUp()).toBe(held);
  });

  it('reports claims that the server stored and did not apply', async () => {
    const { authority: foreign } = await createAuthority();
    const forged = await accountJwts({ ...foreign, accounts: network.authority.accounts }, []);
    await expect(pushAccountClaims(network.sys, forged)).rejects.toThrow(/does not apply them|did not take/);
    await network.revoke(node);
  });

  it('rejects a request that is under way as soon as the connection is lost, and the next one waits for it', async () => {
    const link = await node.connect('control', { onEvent });
    const lost = expect(request(link, 'hello', frame(SILENCE), { timeoutMs: 60_000 })).rejects.toMatchObject({
      failure: 'disconnected',
    });
    await link.nc.flush();
    await network.server().kill9();
    await lost;
    // A node's calls take turns, and this one had the turn.
    silence.resolve(frame('too late'));
    const next = request(link, 'hello', frame('back'), { timeoutMs: 5_000 }).then(
      () => 'answered',
      ({ failure }: CallError) => failure,
    );
    await network.start();
    // It is sent; whether the control plane is back by then is another matter, and an old server does not say that it is not.
    expect(await next).not.toBe('disconnected');
  });

  it('answers calls again after a kill and a restart of the server', async () => {
    const link = await node.connect('control', { onEvent });
    await network.server().kill9();
    await seen('disconnected');
    const waiting = link.whenConnected();
    await network.start();
    await waiting;
    // The control plane comes back in its own time; until then a call says that nobody answered.
    const answered = (): Promise<string | false> => echo(link, 'patience').catch(() => false as const);
    expect(await until(answered, { within: 15_000, what: 'an answer' })).toBe('patience');
  });
});
