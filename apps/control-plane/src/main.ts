import { parseArgs } from 'node:util';
import { ConfigError, readConfig } from './config.ts';
import type { NatsConfigOptions } from './keys/nats-config.ts';

// The command line: `run` (the default), `init`, `nats-config` and `rotate-keys`. Everything else is set by the environment. Each command
// loads what it needs, since what makes certificates has no place in a process that serves.

/** As sysexits.h calls it: something is wrong with the configuration. */
const EX_CONFIG = 78;
const LAST_RESORT_MS = 15_000;

async function run(): Promise<void> {
  const ending = new AbortController();
  const end = new Promise<void>((resolve) => {
    ending.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      ending.abort(new Error(`ended by ${signal}`));
      setTimeout(() => process.exit(1), LAST_RESORT_MS).unref();
    });
  }
  let running;
  try {
    const config = readConfig();
    const { serve } = await import('./serve.ts');
    running = await serve(config, ending.signal);
  } catch (error) {
    if (ending.signal.aborted) return;
    throw error;
  }
  await end;
  await running.close();
}

async function init(args: string[]): Promise<void> {
  const { DEFAULT_HOSTS, initNetwork } = await import('./keys/init.ts');
  const { values } = parseArgs({
    args,
    options: {
      dir: { type: 'string' },
      host: { type: 'string', multiple: true },
      postgres: { type: 'string', default: 'postgres://openward@127.0.0.1:5432/openward' },
      nats: { type: 'string', default: 'nats://127.0.0.1:4222' },
      url: { type: 'string' },
    },
  });
  const files = await initNetwork(
    {
      dir: required(values.dir, 'init --dir D'),
      hosts: values.host ?? DEFAULT_HOSTS,
      postgresUrl: values.postgres,
      natsUrl: values.nats,
      publicUrl: values.url ?? null,
    },
    Date.now(),
  );
  process.stdout.write(`${JSON.stringify(files, null, 2)}\n`);
}

async function natsConfig(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      dir: { type: 'string' },
      store: { type: 'string' },
      version: { type: 'string' },
      durability: { type: 'string', default: 'always' },
      'no-tls': { type: 'boolean', default: false },
    },
  });
  const usage = 'nats-config --dir D --store S --version V';
  if (!['always', 'fs-sync', 'best-effort'].includes(values.durability))
    throw new ConfigError(`--durability is always, fs-sync or best-effort`);
  const { renderNatsConfig } = await import('./keys/nats-config.ts');
  const text = await renderNatsConfig({
    dir: required(values.dir, usage),
    store: required(values.store, usage),
    version: required(values.version, usage),
    durability: values.durability as NatsConfigOptions['durability'],
    tls: !values['no-tls'],
  });
  process.stdout.write(text);
}

async function rotate(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { dir: { type: 'string' }, 'drop-old': { type: 'boolean', default: false } },
  });
  const { networkFiles } = await import('./keys/init.ts');
  const { rotateKeys } = await import('./keys/rotate.ts');
  const { signing } = networkFiles(required(values.dir, 'rotate-keys --dir D [--drop-old]'));
  const rotated = await rotateKeys(signing, { keepOld: !values['drop-old'] });
  process.stdout.write(`${JSON.stringify(rotated, null, 2)}\n`);
}

function required(value: string | undefined, usage: string): string {
  if (value === undefined) throw new ConfigError(`usage: ${usage}`);
  return value;
}

async function main([command = 'run', ...args]: string[]): Promise<void> {
  switch (command) {
    case 'run':
      return run();
    case 'init':
      return init(args);
    case 'nats-config':
      return natsConfig(args);
    case 'rotate-keys':
      return rotate(args);
    default:
      throw new ConfigError(`unknown command ${command}: run, init, nats-config or rotate-keys`);
  }
}

try {
  await main(process.argv.slice(2));
  process.exit(0);
} catch (error) {
  process.stderr.write(`openward control-plane: ${linesOf(error).join(': ')}\n`);
  process.exit(error instanceof ConfigError || isOfArguments(error) ? EX_CONFIG : 1);
}

/** What happened and why, from the outside in. A stack would say nothing to the one who started this. */
function linesOf(error: unknown): string[] {
  if (error instanceof AggregateError) return error.errors.flatMap(linesOf).slice(0, 1);
  if (!(error instanceof Error)) return [String(error)];
  return [error.message || error.name, ...(error.cause instanceof Error ? linesOf(error.cause) : [])];
}

function isOfArguments(error: unknown): boolean {
  return error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}
