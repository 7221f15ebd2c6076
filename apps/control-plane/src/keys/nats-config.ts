import { accountJwts, loadAuthority, renderServerConfig } from '@openward/messaging';
import { networkFiles } from './init.ts';

export interface NatsConfigOptions {
  /** The network's folder, as `init` made it. */
  readonly dir: string;
  /** Where the server keeps claims and streams. */
  readonly store: string;
  readonly version: string;
  readonly durability: 'always' | 'fs-sync' | 'best-effort';
  readonly tls: boolean;
}

/** The text of the server's configuration, but for name, address and port. */
export async function renderNatsConfig(options: NatsConfigOptions): Promise<string> {
  const files = networkFiles(options.dir);
  const authority = await loadAuthority(files.authority);
  return renderServerConfig({
    version: options.version,
    dir: options.store,
    authority,
    accounts: await accountJwts(authority, []),
    durability: options.durability,
    ...(options.tls ? { tls: { cert: files.cert, key: files.key } } : {}),
  });
}
