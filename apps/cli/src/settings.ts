import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

type Env = Terminal['env'];

/** What `openward login` keeps, mode 0600. `ca` is a path. */
export interface Credentials {
  readonly url: string;
  readonly token: string;
  readonly ca?: string;
}

/** Where and as whom a command calls. `ca` is the PEM itself. */
export interface Access {
  readonly url: string;
  readonly token: string;
  readonly ca?: string;
}

export const credentialsPath = (env: Env): string =>
  join(env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config'), 'openward', 'credentials.json');

export function readCredentials(env: Env): Credentials | null {
  const path = credentialsPath(env);
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Credentials;
  } catch (error) {
    // Whoever gives both address and token needs nothing of it.
    const isGiven = Boolean(env['OPENWARD_URL'] && env['OPENWARD_TOKEN']);
    if (isGiven || (error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    // Never the parser's own words: they quote what they read, and that is a token.
    const why = error instanceof SyntaxError ? 'it is not JSON' : (error as Error).message;
    throw new UsageError(`What \`openward login\` kept cannot be read: ${path}: ${why}.`, 'Log in again.');
  }
}

export function writeCredentials(env: Env, { url, token, ca }: Credentials): string {
  const path = credentialsPath(env);
  const whole = { url, token, ...(ca === undefined ? {} : { ca: resolve(ca) }) };
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.new`, `${JSON.stringify(whole, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return path;
}

/** The environment first, then what `login` kept; but a kept token goes to the address it was kept for, and to no other. */
export function accessOf(env: Env): Access {
  const kept = readCredentials(env);
  const url = env['OPENWARD_URL'] || kept?.url;
  if (!url) {
    throw new UsageError('No control plane is known.', 'Run `openward login`, or set OPENWARD_URL and OPENWARD_TOKEN.');
  }
  const isKept = kept !== null && sameOrigin(url, kept.url);
  const token = env['OPENWARD_TOKEN'] || (isKept ? kept.token : undefined);
  if (!token) throw new NoToken(`There is no token for ${url}.`);
  const ca = readCa(env['OPENWARD_CA'] || (isKept ? kept.ca : undefined));
  return { url: checkUrl(url), token, ...(ca === undefined ? {} : { ca }) };
}

/** Told like the refusal that the control plane would give. */
export class NoToken extends Error {
  readonly code = 'unauthenticated';
  readonly next = 'Log in with `openward login`, or set OPENWARD_TOKEN.';
  toBody() {
    return { code: this.code, message: this.message, next: this.next };
  }
}

/** A path to a PEM file, or the PEM itself. */
export function readCa(ca: string | undefined): string | undefined {
  if (ca === undefined || ca.startsWith('-----BEGIN')) return ca;
  try {
    return readFileSync(ca, 'utf8');
  } catch (error) {
    throw new UsageError(
      `The CA file ${ca} cannot be read: ${(error as Error).message}.`,
      'Check OPENWARD_CA or --ca.',
    );
  }
}

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** A token goes in the clear over loopback alone. */
export function checkUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new UsageError(
      `${text} is not an address of a control plane.`,
      'Write it like https://openward.example.org.',
    );
  }
  if (url.protocol === 'http:' && !LOOPBACK.test(url.hostname)) {
    throw new UsageError(`${text} would carry the token in the clear.`, 'Use https; http is for loopback alone.');
  }
  return text.replace(/\/+$/, '');
}

const sameOrigin = (a: string, b: string): boolean =>
  URL.canParse(a) && URL.canParse(b) && new URL(a).origin === new URL(b).origin;

/** The data folder of the node that a command is for. */
export function dataDirOf(given: string | undefined, env: Env): string {
  const dir = given ?? env['OPENWARD_NODE_DATA'];
  if (!dir) throw new UsageError('No data folder is named.', 'Give --data DIR, or set OPENWARD_NODE_DATA.');
  return resolve(dir);
}
