import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createAuthority, saveAuthority, saveOperatorRoot } from '@openward/messaging';
import { generateSeed } from '@openward/trust';
import { makeCertificates } from './certificates.ts';

export interface InitOptions {
  readonly dir: string;
  /** Names and addresses that the server's certificate is for. */
  readonly hosts: readonly string[];
  readonly postgresUrl: string;
  readonly natsUrl: string;
  readonly publicUrl: string | null;
}

export interface NetworkFiles {
  readonly dir: string;
  readonly authority: string;
  readonly offline: string;
  readonly signing: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly bootstrapToken: string;
  readonly artifacts: string;
  readonly env: string;
}

export const DEFAULT_HOSTS: readonly string[] = ['localhost', '127.0.0.1', '::1'];

export function networkFiles(dir: string): NetworkFiles {
  const at = (...parts: string[]): string => join(resolve(dir), ...parts);
  return {
    dir: at(),
    authority: at('authority'),
    offline: at('offline'),
    signing: at('signing'),
    ca: at('tls', 'ca.crt'),
    cert: at('tls', 'server.crt'),
    key: at('tls', 'server.key'),
    bootstrapToken: at('bootstrap-token'),
    artifacts: at('artifacts'),
    env: at('control-plane.env'),
  };
}

/** Everything that a new network stands on. Throws when any of it is there already, and writes nothing over. */
export async function initNetwork(options: InitOptions, now: number): Promise<NetworkFiles> {
  const files = networkFiles(options.dir);
  const folders = [files.dir, files.signing, join(files.dir, 'tls'), files.artifacts];
  for (const folder of folders) await mkdir(folder, { recursive: true, mode: 0o700 });
  const write = (path: string, text: string, mode = 0o600): Promise<void> =>
    writeFile(path, text, { mode, flag: 'wx' });
  await write(files.env, environmentOf(options, files));
  const { authority, root } = await createAuthority();
  await saveAuthority(authority, files.authority);
  await saveOperatorRoot(root, files.offline);
  await write(join(files.signing, '01.seed'), `${generateSeed()}\n`);
  const certificates = await makeCertificates(options.hosts, now);
  await write(files.ca, certificates.caCert, 0o644);
  await write(join(files.dir, 'tls', 'ca.key'), certificates.caKey);
  await write(files.cert, certificates.serverChain, 0o644);
  await write(files.key, certificates.serverKey);
  await write(files.bootstrapToken, `owa_${randomBytes(32).toString('base64url')}\n`);
  return files;
}

function environmentOf(options: InitOptions, files: NetworkFiles): string {
  const lines = {
    OPENWARD_DATABASE_URL: options.postgresUrl,
    OPENWARD_NATS_URLS: options.natsUrl,
    OPENWARD_NATS_CA: files.ca,
    ...(options.publicUrl === null ? {} : { OPENWARD_PUBLIC_URL: options.publicUrl }),
    OPENWARD_TLS_CERT: files.cert,
    OPENWARD_TLS_KEY: files.key,
    OPENWARD_TLS_CA: files.ca,
    OPENWARD_AUTHORITY_DIR: files.authority,
    OPENWARD_SIGNING_KEYS: files.signing,
    OPENWARD_ARTIFACT_DIR: files.artifacts,
    OPENWARD_BOOTSTRAP_TOKEN_FILE: files.bootstrapToken,
  };
  return Object.entries(lines)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
