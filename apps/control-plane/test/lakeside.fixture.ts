import { startNetwork, type Client, type Network } from './network.fixture.ts';
import { FakeNode } from './node.fixture.ts';
import { catalogue } from './registry.fixture.ts';

// A network with one site, one node that has reported and been heard, and one release to roll out.

export interface Lakeside extends AsyncDisposable {
  readonly network: Network;
  readonly admin: Client;
  readonly node: FakeNode;
}

export async function startLakeside(env: Parameters<typeof startNetwork>[0] = {}): Promise<Lakeside> {
  const network = await startNetwork(env);
  const { admin } = network;
  await admin.post('/sites', { name: 'lakeside', tier: 'referral' });
  const node = await FakeNode.enrol(admin, 'lakeside', 'lakeside-1');
  await node.connect();
  await node.told(() => true, 'the first desired state');
  await node.acked(await node.state());
  await catalogue(admin);
  return {
    network,
    admin,
    node,
    async [Symbol.asyncDispose]() {
      await node.close();
      await network.close();
    },
  };
}
