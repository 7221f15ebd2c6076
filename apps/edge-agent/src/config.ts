import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { wordsOfIssue } from '@openward/contracts';
import { z } from 'zod';

// One typed tree, read in one place: `agent.json` in the data folder, and two names of the environment. Everything has a
// default, and a node with an empty file sends nothing but its own state.

const AgentConfig = z.strictObject({
  gateway: z
    .strictObject({
      host: z.string().default('127.0.0.1'),
      port: z.int().min(0).max(65_535).default(11_534),
      /** Files. Off loopback the gateway does not start without (G5). */
      tls: z.strictObject({ cert: z.string(), key: z.string() }).nullable().default(null),
      maxBodyBytes: z.int().min(1024).default(1_048_576),
      bodyTimeoutMs: z.int().min(100).default(10_000),
      mostWaiting: z.int().min(0).default(64),
      drainMs: z.int().min(0).default(30_000),
    })
    .prefault({}),
  runtime: z
    .strictObject({
      kind: z.enum(['llamaCpp', 'ollama']).default('llamaCpp'),
      ollamaUrls: z.array(z.url()).default([]),
      threads: z.int().min(1).default(1),
      /** What the runtime itself computes with; `threads` is what the node gives, and what the plan goes by. */
      threadsPerRequest: z.int().min(1).nullable().default(null),
      memoryGiB: z.int().min(1).default(4),
      parallel: z.int().min(1).max(64).default(2),
      allowUnsafeVersion: z.boolean().default(false),
    })
    .prefault({}),
  link: z
    .strictObject({
      /** What this site's line may be used for by transfers, in bytes a second; null is no limit. */
      bytesPerSecond: z.int().min(1024).nullable().default(null),
      reconnectWaitMs: z.int().min(10).default(2000),
      jitterMs: z.int().min(0).default(1000),
      pingIntervalMs: z.int().min(500).default(20_000),
    })
    .prefault({}),
  timeZone: z.string().default('UTC'),
  stateIntervalMs: z.int().min(1000).default(600_000),
  /** The least time that an evaluation's measurement of own records takes, to whoever sees when a report comes. */
  ownStepMs: z.int().min(0).max(3_600_000).default(30_000),
  reserveBytes: z
    .int()
    .min(0)
    .default(64 * 1024 * 1024),
  /** A collector of the site's own. Null: nothing is exported. */
  otlpUrl: z.url().nullable().default(null),
  logLevel: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
});
export type AgentConfig = z.infer<typeof AgentConfig> & { readonly dataDir: string };

/** Throws with the file and the field that is wrong. */
export function readConfig(dataDir: string): AgentConfig {
  const path = join(dataDir, 'agent.json');
  const parsed = AgentConfig.safeParse(existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {});
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Error(
      `${path}: \`${issue?.path.join('.')}\`: ${issue === undefined ? 'it has another form' : wordsOfIssue(issue)}`,
    );
  }
  return { ...parsed.data, dataDir };
}

/** `OPENWARD_NODE_DATA`, or what the command line says. */
export function dataDirOf(argv: readonly string[]): string {
  const at = argv.indexOf('--data');
  return resolve((at >= 0 ? argv[at + 1] : undefined) ?? process.env['OPENWARD_NODE_DATA'] ?? 'openward-node');
}

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);
export const isLoopback = (host: string): boolean => LOOPBACK.has(host);
