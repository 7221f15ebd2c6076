import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { connect } from '@nats-io/transport-node';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { isRunning } from './child.ts';
import { natsServers, startNats } from './nats.ts';
import { freePort } from './ports.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'openward-nats-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const withStreams = (): string => `jetstream { store_dir: ${JSON.stringify(join(dir, 'store'))} }`;

describe.each(natsServers())('a NATS server $version', ({ path, version }) => {
  it('starts, says who it is, and stops', async () => {
    const server = await startNats({ config: '', dir, name: 'first', bin: path });
    expect(server.info).toMatchObject({ server_name: 'first', version });
    expect(isRunning(server.pid)).toBe(true);
    await server.stop();
    expect(isRunning(server.pid)).toBe(false);
  });

  it('keeps a stream over a kill', async () => {
    const before = await startNats({ config: withStreams(), dir, name: 'keeper', bin: path });
    const connection = await connect({ servers: before.url });
    await (await jetstreamManager(connection)).streams.add({ name: 'kept', subjects: ['kept.>'] });
    await jetstream(connection).publish('kept.one', 'still here');
    await connection.close();
    await before.kill9();

    const after = await startNats({ config: withStreams(), dir, name: 'keeper', bin: path });
    const again = await connect({ servers: after.url });
    const message = await (await jetstreamManager(again)).streams.getMessage('kept', { seq: 1 });
    expect(message?.string()).toBe('still here');
    await again.close();
    await after.stop();
  });

  it('reads its configuration again without a restart', async () => {
    const server = await startNats({ config: 'max_payload: 1048576', dir, name: 'changing', bin: path });
    await server.reload('max_payload: 65536');
    const connection = await connect({ servers: server.url });
    expect(connection.info?.max_payload).toBe(65_536);
    await connection.close();
    await server.stop();
  });
});

it('fails with the reason when the port is taken by another server', async () => {
  const port = await freePort();
  const first = await startNats({ config: '', dir: join(dir, 'a'), name: 'first', port });
  await expect(startNats({ config: '', dir: join(dir, 'b'), name: 'second', port })).rejects.toThrow(
    /address already in use/,
  );
  await first.stop();
});

it('fails with the reason when the configuration cannot be read', async () => {
  await expect(startNats({ config: 'jetstream {', dir, name: 'broken' })).rejects.toThrow(/did not start/);
});
