import { readFile } from 'node:fs/promises';
import { digestOfBytes } from '@openward/contracts';
import type { Persistence } from '@openward/persistence';
import { ConfigError } from '../config.ts';

const NAME = 'bootstrap';
const LIFETIME_MS = 3650 * 86_400_000;

/** Takes in the first admin's token. Another token in the file replaces the one before. */
export async function takeBootstrapToken(store: Persistence, file: string): Promise<void> {
  const token = await readFile(file, 'utf8').then(
    (text) => text.trim(),
    (cause: unknown) => {
      throw new ConfigError(`OPENWARD_BOOTSTRAP_TOKEN_FILE: ${file} cannot be read`, { cause });
    },
  );
  if (!/^[!-~]{32,200}$/.test(token)) {
    throw new ConfigError(`OPENWARD_BOOTSTRAP_TOKEN_FILE: ${file} holds no token of 32 to 200 printable characters`);
  }
  const digest = digestOfBytes(token);
  if ((await store.accessTokens.find(digest)) !== null) return;
  await store.transaction(async ({ accessTokens }) => {
    await accessTokens.revoke(NAME, 'operator');
    await accessTokens.create({ name: NAME, role: 'admin', digest, lifetimeMs: LIFETIME_MS }, 'operator');
  });
}
