import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';

import { type NatsServer, natsServers } from '../../../../scripts/nats-server.mjs';
import { startChild, tail } from './child.ts';
import { freePort } from './ports.ts';
import { until } from './until.ts';

export { ensureNatsServer, natsServers, type NatsServer } from '../../../../scripts/nats-server.mjs';

/** What a NATS server says of itself before anybody has signed in; the fields that are used here. */
export interface NatsInfo {
  readonly server_id: string;
  readonly server_name: string;
  readonly version: string;
  readonly max_payload: number;
  readonly tls_required?: boolean;
  readonly auth_required?: boolean;
}

export interface NatsOptions {
  /** The configuration's text. Name, address and port are set beside it and win. */
  readonly config: string;
  /** A folder of its own, made when it is missing: holds the configuration and the log. */
  readonly dir: string;
  readonly name: string;
  /** A free port when left out. */
  readonly port?: number;
  /** 127.0.0.1 when left out. */
  readonly host?: string;
  /** The server's program; the newest on this machine when left out. */
  readonly bin?: string;
}

export interface RunningNats {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly info: NatsInfo;
  /** Orderly: streams are written out. */
  stop(): Promise<void>;
  /** As when the power fails. */
  kill9(): Promise<void>;
  /** Reads the configuration file again, after `config` was written to it when given. */
  reload(config?: string): Promise<void>;
  log(): string;
}

let newest: NatsServer | undefined;
function newestServer(): NatsServer {
  newest ??= natsServers()[0];
  if (newest) return newest;
  throw new Error('No NATS server on this machine: `node scripts/nats-server.mjs` gets one.');
}

/** The first line that a NATS server sends, or undefined when nothing that is one listens there. */
export function readInfo(host: string, port: number, within = 1_000): Promise<NatsInfo | undefined> {
  return new Promise((resolve) => {
    let received = '';
    const socket = connect({ host, port });
    const settle = (info: NatsInfo | undefined): void => {
      socket.destroy();
      resolve(info);
    };
    socket.setTimeout(within, () => settle(undefined));
    socket.on('error', () => settle(undefined));
    socket.on('close', () => settle(undefined));
    socket.on('data', (bytes) => {
      received += bytes.toString('utf8');
      const line = /^INFO (\{.*\})\s*\r\n/.exec(received)?.[1];
      if (line) settle(JSON.parse(line) as NatsInfo);
    });
  });
}

/**
 * Starts a real NATS server and waits until it answers under its own name: on a port that somebody else took
 * meanwhile, another server would answer. Throws with the end of the log when the server ends first.
 */
export async function startNats(options: NatsOptions): Promise<RunningNats> {
  const { config, dir, name, host = '127.0.0.1' } = options;
  const port = options.port ?? (await freePort());
  const bin = options.bin ?? newestServer().path;
  const configFile = join(dir, 'nats.conf');
  await mkdir(dir, { recursive: true, mode: 0o700 });
  // The name stands in the file, since a reload forgets one that came as an argument.
  const write = (text: string): Promise<void> =>
    writeFile(configFile, `${text}\nserver_name: ${JSON.stringify(name)}\n`, { mode: 0o600 });
  await write(config);
  const command = [bin, '--config', configFile, '--addr', host, '--port', String(port)];
  const child = startChild(command, { logFile: join(dir, 'nats.log'), signal: 'TERM', cwd: dir });
  const failure = (why: string): Error => new Error(`NATS server ${name} ${why}\n${tail(child.log())}`);
  const answering = async (): Promise<NatsInfo | undefined> => {
    if (child.ended()) throw failure(`did not start on port ${port}`);
    const info = await readInfo(host, port);
    return info?.server_name === name ? info : undefined;
  };
  const waited = until(answering, { within: 20_000, what: `NATS server ${name} on port ${port}` });
  const info = await waited.catch(async (error: unknown) => {
    await child.end('SIGKILL');
    throw error;
  });
  return {
    url: `nats://${host}:${port}`,
    port,
    pid: child.pid,
    info,
    stop: () => child.end('SIGTERM'),
    kill9: () => child.end('SIGKILL'),
    reload: async (next) => {
      if (next !== undefined) await write(next);
      const before = child.log().length;
      child.signal('SIGHUP');
      await until(
        () => {
          const said = child.log().slice(before);
          if (child.ended() || said.includes('Failed to reload')) throw failure('did not reload');
          return said.includes('Reloaded');
        },
        { within: 10_000, what: `reload of NATS server ${name}` },
      );
    },
    log: () => child.log(),
  };
}
