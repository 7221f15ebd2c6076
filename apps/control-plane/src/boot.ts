import { openDirectoryStore } from '@openward/distribution';
import { connectControlPlane, judgeServer, loadAuthority, type Authority, type LinkEvent } from '@openward/messaging';
import { asLog, createLogger, startTelemetry } from '@openward/observability';
import { migrate, openPersistence } from '@openward/persistence';
import type { Log } from '@openward/contracts';
import { takeBootstrapToken } from './access/bootstrap-token.ts';
import { ConfigError, type Config } from './config.ts';
import { EventHub } from './events/event-hub.ts';
import { loadSigningKeys } from './keys/signing-keys.ts';
import type { Context, Links } from './process/context.ts';
import { clock, random, timers } from './process/ports.ts';
import { Wake } from './process/wake.ts';
import { VERSION } from './process/version.ts';

const DATABASE_PATIENCE_MS = 30_000;

/** Everything that the process stands on, in the order in which one needs the other. Whoever calls closes it (`closeContext`). */
export async function openContext(config: Config, signal: AbortSignal): Promise<Context> {
  const log = asLog(createLogger({ name: 'control-plane', level: config.telemetry.logLevel }));
  const keys = await loadSigningKeys(config.keys.signing);
  const authority = await loadAuthority(config.keys.authorityDir).catch((cause: unknown) => {
    throw new ConfigError(`OPENWARD_AUTHORITY_DIR: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  });
  const telemetry = await startTelemetry({
    service: 'openward-control-plane',
    version: VERSION,
    otlpUrl: config.telemetry.otlpUrl,
    prometheus: true,
  });
  const { dir, quotaBytes } = config.artifacts;
  const artifacts = await openDirectoryStore({ dir, quotaBytes, clock, random }).catch((cause: unknown) => {
    throw new ConfigError(`OPENWARD_ARTIFACT_DIR: ${dir} cannot be used`, { cause });
  });
  await migrateWhenThere(config, log, signal);
  const store = openPersistence({
    url: config.database.url,
    poolSize: config.database.pool,
    onError: (error) => log.warn('a connection to the database broke', { error }),
  });
  try {
    if (config.keys.bootstrapTokenFile !== null) await takeBootstrapToken(store, config.keys.bootstrapTokenFile);
    const links = await connectLinks(config, authority, log, signal);
    const brisk = { restMs: Math.max(10, config.engine.coalesceMs / 4), forMs: config.engine.coalesceMs * 2 + 100 };
    return {
      config,
      log,
      store,
      links,
      authority,
      keys,
      artifacts,
      events: new EventHub(),
      telemetry,
      address: { url: config.http.publicUrl ?? '' },
      timers,
      wakes: { ticks: new Wake(timers, clock, brisk), relay: new Wake(timers, clock) },
      version: VERSION,
    };
  } catch (error) {
    await store.close();
    await telemetry.stop();
    throw error;
  }
}

export async function closeContext({ links, store, telemetry }: Context): Promise<void> {
  await Promise.all([links.engine.close(), links.rpc.close(), links.sys.close()]);
  await store.close();
  // A collector that does not take the last figures holds up no stop.
  await telemetry.stop().catch(() => {});
}

/** A database that starts at the same time as this process is waited for; one that refuses the migration is not. */
async function migrateWhenThere(config: Config, log: Log, signal: AbortSignal): Promise<void> {
  const deadline = clock.monotonic() + DATABASE_PATIENCE_MS;
  for (;;) {
    try {
      const { ran } = await migrate(config.database.url, VERSION);
      if (ran.length > 0) log.info('database migrated', { ran });
      return;
    } catch (error) {
      if (!isNotThereYet(error) || clock.monotonic() > deadline) throw error;
      log.warn('the database is not there yet', { error });
      await timers.sleep(500, signal);
    }
  }
}

const isNotThereYet = (error: unknown): boolean =>
  error instanceof Error &&
  (['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ECONNRESET', '57P03'].includes(
    String((error as NodeJS.ErrnoException).code),
  ) ||
    isNotThereYet(error.cause));

async function connectLinks(config: Config, authority: Authority, log: Log, signal: AbortSignal): Promise<Links> {
  const told = (role: string) => (event: LinkEvent) => tellLink(log, role, event);
  const common = { authority, name: 'control-plane', urls: config.nats.urls, ca: config.nats.ca, signal, random };
  const engine = await connectControlPlane({ ...common, role: 'engine', onEvent: told('engine') });
  const { listener, mutualTls, allowUnsafeVersion, durability } = config.nats;
  const judged = judgeServer(engine.serverVersion, { listener, mutualTls, allowUnsafeVersion, durability });
  if ('refused' in judged) {
    await engine.close();
    throw new ConfigError(judged.refused);
  }
  for (const warning of judged.warnings) log.warn('NATS server', { warning });
  const [rpc, sys] = await Promise.all([
    connectControlPlane({ ...common, role: 'rpc', onEvent: told('rpc') }),
    connectControlPlane({ ...common, role: 'sys', onEvent: told('sys') }),
  ]);
  return { engine, rpc, sys };
}

function tellLink(log: Log, role: string, event: LinkEvent): void {
  const error = 'error' in event ? event.error?.message : undefined;
  if (event.type === 'connected') log.info('NATS connected', { role });
  else log.warn('NATS link', { role, event: event.type, error });
}
