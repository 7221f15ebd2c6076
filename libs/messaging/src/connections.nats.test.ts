import { natsServers, startNatsNetwork, until, type NatsNetwork } from '@openward/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectedNodes } from './connections.ts';

describe.each(natsServers())('who is connected to server $version', ({ path, version }) => {
  let network: NatsNetwork;
  beforeEach(async () => {
    network = await startNatsNetwork({ bin: path, version });
  });
  afterEach(() => network.close());

  const names = async (): Promise<string[]> =>
    [...(await connectedNodes(network.sys, network.authority)).keys()].sort();

  it('is told by the server, by the name in the credentials that it took, and no longer once the connection is gone', async () => {
    expect(await names()).toEqual([]);
    const a = await network.enrol({ site: 's1', node: 'a' });
    const b = await network.enrol({ site: 's2', node: 'b' });
    const link = await a.connect('control');
    await b.connect('control');
    expect(await names()).toEqual(['a', 'b']);
    expect((await connectedNodes(network.sys, network.authority)).get('b')).toEqual({ site: 's2', node: 'b' });
    await link.close();
    await until(async () => (await names()).join() === 'b', { within: 5_000, what: 'the end of a connection' });
  });

  it('takes no bulk connection for one that desired states can reach', async () => {
    const a = await network.enrol({ site: 's1', node: 'a' });
    await a.connect('bulk');
    expect(await names()).toEqual([]);
  });

  it('does not say that nobody is connected when no server answers', async () => {
    await network.server().stop();
    await expect(connectedNodes(network.sys, network.authority)).rejects.toBeInstanceOf(Error);
    await network.start();
  });
});
