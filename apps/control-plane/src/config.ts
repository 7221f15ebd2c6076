import { isIP } from 'node:net';
import { readFileSync } from 'node:fs';
import { z } from 'zod';

// The one place that reads the environment. What it returns is complete and checked; a wrong value is said by the name of
// its variable, and nothing starts.

/** What an operator set is wrong or missing. Its message is all that is shown. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const GIB = 1024 ** 3;
const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true');
const list = z
  .string()
  .transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean),
  )
  .pipe(z.array(z.url()).min(1));
const whole = (least: number, most: number, otherwise: number) =>
  z.coerce.number().int().min(least).max(most).default(otherwise);

const Listen = z
  .string()
  .default('127.0.0.1:0')
  .transform((text, ctx) => {
    const found = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(text);
    const port = Number(found?.[3]);
    if (!found || port > 65_535) {
      ctx.addIssue({ code: 'custom', message: 'must be host:port' });
      return z.NEVER;
    }
    return { host: found[1] ?? (found[2] || '0.0.0.0'), port };
  });

const Environment = z.object({
  OPENWARD_LISTEN: Listen,
  OPENWARD_PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
  OPENWARD_TLS_CERT: z.string().optional(),
  OPENWARD_TLS_KEY: z.string().optional(),
  OPENWARD_TLS_CA: z.string().optional(),
  OPENWARD_BEHIND_PROXY: flag,
  OPENWARD_DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  OPENWARD_DATABASE_POOL: whole(2, 200, 10),
  OPENWARD_NATS_URLS: list,
  OPENWARD_NATS_CA: z.string().optional(),
  OPENWARD_NATS_ADVERTISED_URLS: list.optional(),
  OPENWARD_NATS_LISTENER: z.enum(['loopback', 'private', 'public']).optional(),
  OPENWARD_NATS_MUTUAL_TLS: flag,
  OPENWARD_NATS_ALLOW_UNSAFE_VERSION: flag,
  OPENWARD_NATS_DURABILITY: z.enum(['always', 'fs-sync', 'best-effort']).default('always'),
  OPENWARD_NATS_CHUNK_CACHE_BYTES: whole(16 * 1024 ** 2, 2 ** 50, 4 * GIB),
  OPENWARD_NATS_REPORT_BYTES: whole(16 * 1024 ** 2, 2 ** 50, GIB),
  OPENWARD_AUTHORITY_DIR: z.string().min(1),
  OPENWARD_SIGNING_KEYS: z.string().min(1),
  OPENWARD_ARTIFACT_DIR: z.string().min(1),
  OPENWARD_ARTIFACT_QUOTA_BYTES: whole(1, 2 ** 50, 100 * GIB),
  OPENWARD_BOOTSTRAP_TOKEN_FILE: z.string().optional(),
  OPENWARD_OTLP_URL: z.url({ protocol: /^https?$/ }).optional(),
  OPENWARD_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  OPENWARD_COALESCE_MS: whole(0, 60_000, 100),
  OPENWARD_CREDENTIAL_LIFETIME_S: whole(5, 30 * 86_400, 43_200),
  OPENWARD_PERMIT_LIFETIME_MS: whole(1000, 60_000, 60_000),
  OPENWARD_ROLLBACK_PATIENCE_MS: whole(100, 86_400_000, 30_000),
  OPENWARD_BODY_TIMEOUT_MS: whole(100, 600_000, 30_000),
});

export interface Config {
  readonly http: {
    readonly host: string;
    readonly port: number;
    /** Null: what it listens on, once that is known. */
    readonly publicUrl: string | null;
    /** PEM texts; null without TLS. */
    readonly tls: { readonly cert: string; readonly key: string } | null;
    /** Of the authority that nodes pin; null on plain loopback. */
    readonly ca: string | null;
    readonly behindProxy: boolean;
    readonly bodyTimeoutMs: number;
  };
  readonly database: { readonly url: string; readonly pool: number };
  readonly nats: {
    readonly urls: readonly string[];
    readonly advertisedUrls: readonly string[];
    readonly ca: string | null;
    readonly listener: 'loopback' | 'private' | 'public';
    readonly mutualTls: boolean;
    readonly allowUnsafeVersion: boolean;
    readonly durability: 'always' | 'fs-sync' | 'best-effort';
    readonly chunkCacheBytes: number;
    readonly reportBytes: number;
  };
  readonly keys: {
    readonly authorityDir: string;
    readonly signing: string;
    readonly bootstrapTokenFile: string | null;
  };
  readonly artifacts: { readonly dir: string; readonly quotaBytes: number };
  readonly telemetry: {
    readonly otlpUrl: string | null;
    readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  };
  readonly engine: {
    readonly coalesceMs: number;
    readonly credentialLifetimeS: number;
    readonly permitLifetimeMs: number;
    readonly rollBackPatienceMs: number;
  };
}

/** Throws `ConfigError`, which names every variable that is wrong. */
export function readConfig(env: Readonly<Record<string, string | undefined>> = process.env): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = Environment.safeParse(given);
  if (!parsed.success) {
    const lines = parsed.error.issues.map(
      (it) => `${it.path.join('.')} ${given[String(it.path[0])] === undefined ? 'is not set' : it.message}`,
    );
    throw new ConfigError(lines.join('; '));
  }
  const it = parsed.data;
  const ca = readText('OPENWARD_TLS_CA', it.OPENWARD_TLS_CA);
  const config: Config = {
    http: {
      ...it.OPENWARD_LISTEN,
      publicUrl: it.OPENWARD_PUBLIC_URL?.replace(/\/+$/, '') ?? null,
      tls: readTls(it.OPENWARD_TLS_CERT, it.OPENWARD_TLS_KEY, ca),
      ca,
      behindProxy: it.OPENWARD_BEHIND_PROXY,
      bodyTimeoutMs: it.OPENWARD_BODY_TIMEOUT_MS,
    },
    database: { url: it.OPENWARD_DATABASE_URL, pool: it.OPENWARD_DATABASE_POOL },
    nats: {
      urls: it.OPENWARD_NATS_URLS,
      advertisedUrls: it.OPENWARD_NATS_ADVERTISED_URLS ?? it.OPENWARD_NATS_URLS,
      ca: readText('OPENWARD_NATS_CA', it.OPENWARD_NATS_CA),
      listener: it.OPENWARD_NATS_LISTENER ?? listenerOf(it.OPENWARD_NATS_ADVERTISED_URLS ?? it.OPENWARD_NATS_URLS),
      mutualTls: it.OPENWARD_NATS_MUTUAL_TLS,
      allowUnsafeVersion: it.OPENWARD_NATS_ALLOW_UNSAFE_VERSION,
      durability: it.OPENWARD_NATS_DURABILITY,
      chunkCacheBytes: it.OPENWARD_NATS_CHUNK_CACHE_BYTES,
      reportBytes: it.OPENWARD_NATS_REPORT_BYTES,
    },
    keys: {
      authorityDir: it.OPENWARD_AUTHORITY_DIR,
      signing: it.OPENWARD_SIGNING_KEYS,
      bootstrapTokenFile: it.OPENWARD_BOOTSTRAP_TOKEN_FILE ?? null,
    },
    artifacts: { dir: it.OPENWARD_ARTIFACT_DIR, quotaBytes: it.OPENWARD_ARTIFACT_QUOTA_BYTES },
    telemetry: { otlpUrl: it.OPENWARD_OTLP_URL?.replace(/\/+$/, '') ?? null, logLevel: it.OPENWARD_LOG_LEVEL },
    engine: {
      coalesceMs: it.OPENWARD_COALESCE_MS,
      credentialLifetimeS: it.OPENWARD_CREDENTIAL_LIFETIME_S,
      permitLifetimeMs: it.OPENWARD_PERMIT_LIFETIME_MS,
      rollBackPatienceMs: it.OPENWARD_ROLLBACK_PATIENCE_MS,
    },
  };
  refuseUnsafe(config);
  return config;
}

function refuseUnsafe({ http }: Config): void {
  if (http.tls === null && !http.behindProxy && !isLoopback(http.host)) {
    throw new ConfigError(
      `OPENWARD_LISTEN is ${http.host}, which others reach: set OPENWARD_TLS_CERT and OPENWARD_TLS_KEY, or OPENWARD_BEHIND_PROXY=true where a proxy in front speaks TLS`,
    );
  }
  const isHttps = http.publicUrl === null ? http.tls !== null : http.publicUrl.startsWith('https:');
  if (isHttps && http.ca === null) {
    throw new ConfigError('OPENWARD_TLS_CA is not set: enrolment tokens carry the fingerprint of that authority');
  }
}

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

const isPrivate = (host: string): boolean =>
  /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|f[cd])/.test(host) || !host.includes('.');

function listenerOf(urls: readonly string[]): Config['nats']['listener'] {
  const hosts = urls.map((url) => new URL(url).hostname.replaceAll(/[[\]]/g, ''));
  if (hosts.every(isLoopback)) return 'loopback';
  return hosts.every((host) => isLoopback(host) || isPrivate(host)) ? 'private' : 'public';
}

function readText(name: string, path: string | undefined): string | null {
  if (path === undefined) return null;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError(`${name}: ${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`, {
      cause: error,
    });
  }
}

/** The chain that is shown ends with the authority, since a node that enrols has its fingerprint alone (K2). */
function readTls(cert: string | undefined, key: string | undefined, ca: string | null): Config['http']['tls'] {
  if (cert === undefined && key === undefined) return null;
  const [chain, keyText] = [readText('OPENWARD_TLS_CERT', cert), readText('OPENWARD_TLS_KEY', key)];
  if (chain === null) throw new ConfigError('OPENWARD_TLS_KEY is set and OPENWARD_TLS_CERT is not');
  if (keyText === null) throw new ConfigError('OPENWARD_TLS_CERT is set and OPENWARD_TLS_KEY is not');
  const isWhole = ca === null || chain.includes(ca.trim());
  return { cert: isWhole ? chain : `${chain.trimEnd()}\n${ca}`, key: keyText };
}
