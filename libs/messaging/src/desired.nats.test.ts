import { DESIRED_STREAM, desiredSubject } from '@openward/contracts';
import { natsServers, startNatsNetwork, until, type NatsNetwork, type TestNode } from '@openward/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodeLink } from './connect-node.ts';
import { putDesired, readDesired } from './desired.ts';
import { ensureAll, ensureNode, removeNode } from './provision.ts';
import { watchDesired, type WatchOptions } from './watch-desired.ts';

const frame = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe.each(natsServers())('desired states on server $version', ({ path, version }) => {
  let network: NatsNetwork;
  let node: TestNode;
  let ending: AbortController;
  let seen: string[];

  const put = async (value: string): Promise<number> => {
    const last = (await readDesired(network.engine, node))?.revision ?? 0;
    const done = await putDesired(network.engine, node, frame(value), last);
    if (!('revision' in done)) throw new Error('conflict');
    return done.revision;
  };
  const watch = (link: NodeLink, options: Partial<WatchOptions> = {}): Promise<void> =>
    (async () => {
      for await (const desired of watchDesired(link, { signal: ending.signal, ...options }))
        seen.push(text(desired.frame));
    })();
  const sees = (value: string, within = 15_000): Promise<boolean> =>
    until(() => seen.at(-1) === value, { within, every: 2, what: `${value} after ${seen.join(', ')}` });

  beforeEach(async () => {
    seen = [];
    ending = new AbortController();
    network = await startNatsNetwork({ bin: path, version });
    node = await network.enrol({ site: 's1', node: 'n1' });
  });
  afterEach(async () => {
    ending.abort();
    await network.close();
  });

  it('refuses a put against a revision that is no longer the last (D3)', async () => {
    const first = await putDesired(network.engine, node, frame('1'), 0);
    if (!('revision' in first)) throw new Error('conflict');
    expect(await putDesired(network.engine, node, frame('late'), 0)).toEqual({ conflict: true });
    expect(await putDesired(network.engine, node, frame('2'), first.revision)).toHaveProperty('revision');
    expect(await putDesired(network.engine, node, frame('late'), first.revision)).toEqual({ conflict: true });
    expect(text((await readDesired(network.engine, node))?.frame ?? frame(''))).toBe('2');
  });

  it('reach their node, with their trace, and no other', async () => {
    const other = await network.enrol({ site: 's1', node: 'n2' });
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const watched = watchDesired(await node.connect('control'), { signal: ending.signal });
    await putDesired(network.engine, other, frame('for n2'), 0);
    await putDesired(network.engine, node, frame('for n1'), 0, { traceparent });
    const { value } = await watched.next();
    expect(value).toMatchObject({ traceparent });
    expect(text(value?.frame ?? frame(''))).toBe('for n1');
    await watched.return();
  });

  it('come newest only: one that was overtaken is never seen', async () => {
    const watched = watchDesired(await node.connect('control'), { signal: ending.signal });
    const first = watched.next();
    await put('1');
    expect(text((await first).value?.frame ?? frame(''))).toBe('1');
    for (const value of ['2', '3', '4']) await put(value);
    const state = async (): Promise<boolean> =>
      (await network.engine.jsm.consumers.info(DESIRED_STREAM, 'n1')).num_ack_pending === 0 &&
      (await network.engine.jsm.consumers.info(DESIRED_STREAM, 'n1')).num_pending === 0;
    await until(state, { within: 10_000, what: 'all delivered' });
    expect(text((await watched.next()).value?.frame ?? frame(''))).toBe('4');
    await watched.return();
  });

  it('arrive at once after each renewal, though pulls made before it are dead', async () => {
    const link = await node.connect('control');
    const watching = watch(link);
    for (let renewal = 0; renewal < 5; renewal++) {
      await put(`before ${renewal}`);
      await sees(`before ${renewal}`);
      await node.mint();
      await link.renew();
      await put(`after ${renewal}`);
      await sees(`after ${renewal}`, 2_000);
    }
    ending.abort();
    await watching;
  });

  it('put while the node was away are seen when it is back', async () => {
    const link = await node.connect('control');
    const watching = watch(link);
    await put('1');
    await sees('1');
    await network.server().kill9();
    await until(() => !link.isConnected, { within: 5_000, what: 'the disconnect' });
    await network.start();
    await network.engine.whenConnected();
    await until(
      () =>
        put('2').then(
          () => true,
          () => false,
        ),
      { within: 10_000, what: 'a put' },
    );
    await sees('2');
    ending.abort();
    await watching;
  });

  it('flow again after the durable was lost and made again (D5)', async () => {
    let missing = 0;
    const watching = watch(await node.connect('control'), {
      retryMs: 500,
      probeMs: 1_000,
      onMissing: () => {
        missing++;
      },
    });
    await put('1');
    await sees('1');
    await network.engine.jsm.consumers.delete(DESIRED_STREAM, 'n1');
    await until(() => missing === 1, { within: 10_000, what: 'the loss is noticed' });
    await ensureAll(network.engine, [node]);
    await put('2');
    await sees('2', 3_000);
    expect(missing).toBe(1);
    ending.abort();
    await watching;
  });

  it('flow again after NATS lost everything, though revisions start anew (D5)', async () => {
    const link = await node.connect('control');
    const watching = watch(link, { retryMs: 500, probeMs: 1_000 });
    for (const value of ['1', '2', '3']) await put(value);
    await sees('3');
    await network.engine.jsm.streams.delete(DESIRED_STREAM);
    expect(await ensureAll(network.engine, [node])).toEqual({
      made: [DESIRED_STREAM, `${DESIRED_STREAM}.n1`],
      remade: [],
    });
    expect(await put('4')).toBe(1);
    await sees('4');
    ending.abort();
    await watching;
  });

  it('flow when the durable was not there at first (D5)', async () => {
    await network.engine.jsm.consumers.delete(DESIRED_STREAM, 'n1');
    let missing = 0;
    const watching = watch(await node.connect('control'), {
      retryMs: 500,
      probeMs: 1_000,
      onMissing: () => {
        missing++;
      },
    });
    await until(() => missing > 0, { within: 10_000, what: 'the loss is noticed' });
    await ensureAll(network.engine, [node]);
    await put('1');
    await sees('1', 5_000);
    expect(missing).toBe(1);
    ending.abort();
    await watching;
  });

  it('of a node that was removed are gone, with its durable', async () => {
    await put('1');
    await removeNode(network.engine, node);
    expect(await readDesired(network.engine, node)).toBeNull();
    await expect(network.engine.jsm.consumers.info(DESIRED_STREAM, 'n1')).rejects.toThrow(/not found/);
    await removeNode(network.engine, node);
  });

  it('go to the new site of a node that moved', async () => {
    await ensureNode(network.engine, { site: 's2', node: 'n1' });
    const { config } = await network.engine.jsm.consumers.info(DESIRED_STREAM, 'n1');
    expect(config.filter_subject).toBe(desiredSubject('s2', 'n1'));
  });

  it('are provisioned twice without a change', async () => {
    expect(await ensureAll(network.engine, [node])).toEqual({ made: [], remade: [] });
  });

  it('make the watch throw when the link is closed', async () => {
    const link = await node.connect('control');
    const watching = watch(link);
    await link.close();
    await expect(watching).rejects.toThrow(/closed|nobody waits/);
  });
});
