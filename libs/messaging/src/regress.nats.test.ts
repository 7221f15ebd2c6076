import { cp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DESIRED_STREAM } from '@openward/contracts';
import { natsServers, startNatsNetwork, until, type NatsNetwork } from '@openward/testkit';
import { describe, expect, it } from 'vitest';
import { putDesired, readDesired } from './desired.ts';
import { ensureAll } from './provision.ts';
import { REGRESS_HEALED_SINCE, isAtLeast } from './version-rules.ts';
import { watchDesired } from './watch-desired.ts';

const frame = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Where a server keeps the messages of a stream; what its durables took stands beside it. */
async function messagesOf(network: NatsNetwork, stream: string): Promise<string> {
  const accounts = join(network.dir, 'jetstream');
  for (const account of await readdir(accounts)) {
    const streams = join(accounts, account, 'streams');
    const found: string[] = await readdir(streams).catch(() => []);
    if (found.includes(stream)) return join(streams, stream, 'msgs');
  }
  throw new Error(`no stream ${stream}`);
}

describe.each(natsServers())('a stream that lost its end, on server $version', ({ path, version }) => {
  it('hides nothing from a node whose durable stood beyond it', async () => {
    const network = await startNatsNetwork({ bin: path, version });
    const node = await network.enrol({ site: 's1', node: 'n1' });
    const link = await node.connect('control');
    const put = async (value: string): Promise<void> => {
      const last = (await readDesired(network.engine, node))?.revision ?? 0;
      await putDesired(network.engine, node, frame(value), last);
    };
    const ending = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      for await (const desired of watchDesired(link, { signal: ending.signal, retryMs: 200 }))
        seen.push(Buffer.from(desired.frame).toString());
    })();
    const sees = (value: string): Promise<boolean> =>
      until(() => seen.at(-1) === value, { within: 20_000, what: `${value} after ${seen.join()}` });
    const restart = async (between: () => Promise<void>): Promise<void> => {
      await network.server().stop();
      await between();
      await network.start();
      await until(
        () =>
          ensureAll(network.engine, []).then(
            () => true,
            () => false,
          ),
        { within: 20_000, what: 'streams' },
      );
    };

    await put('first');
    await sees('first');
    const messages = await messagesOf(network, DESIRED_STREAM);
    await restart(() => cp(messages, join(network.dir, 'kept'), { recursive: true }));
    for (let at = 0; at < 20; at++) await put(`lost ${at}`);
    await sees('lost 19');
    const { jsm } = network.engine;
    const unanswered = async (): Promise<boolean> =>
      (await jsm.consumers.info(DESIRED_STREAM, 'n1')).num_ack_pending === 0;
    await until(unanswered, { within: 15_000, what: 'acknowledgements' });
    await network.server().stop();
    await rm(messages, { recursive: true });
    await cp(join(network.dir, 'kept'), messages, { recursive: true });
    await network.start();
    const provisioned = await until(() => ensureAll(network.engine, [node]).catch(() => false as const), {
      within: 20_000,
      what: 'streams',
    });
    expect(provisioned).toEqual({
      made: [],
      remade: isAtLeast(version, REGRESS_HEALED_SINCE) ? [] : [`${DESIRED_STREAM}.n1`],
    });
    await put('again');
    await sees('again');
    const taken = async (): Promise<boolean> => (await jsm.consumers.info(DESIRED_STREAM, 'n1')).num_pending === 0;
    await until(taken, { within: 15_000, what: 'the durable to deliver it too' });
    ending.abort();
    await watching;
    await network.close();
  });
});
