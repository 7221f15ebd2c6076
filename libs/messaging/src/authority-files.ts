import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decode } from '@nats-io/jwt';
import { fromPublic, fromSeed, type KeyPair } from '@nats-io/nkeys';
import { seedOf, type Authority, type AuthorityFiles } from './authority.ts';

// The authority as a folder of small files, one a key, so that a mount, a secret store or a command can give each.

const KEY_FILES = {
  operatorSigning: 'operator-signing.nk',
  sysSigning: 'sys-signing.nk',
  coreSigning: 'core-signing.nk',
  edgeControl: 'edge-control.nk',
  edgeBulk: 'edge-bulk.nk',
} as const;
const OPERATOR_FILE = 'operator.jwt';
const ACCOUNT_FILES = { sys: 'sys.pub', core: 'core.pub', edge: 'edge.pub' } as const;

export const AUTHORITY_FILES: readonly string[] = [
  OPERATOR_FILE,
  ...Object.values(ACCOUNT_FILES),
  ...Object.values(KEY_FILES),
];

export function authorityToFiles(authority: Authority): AuthorityFiles {
  return {
    [OPERATOR_FILE]: authority.operatorJwt,
    [ACCOUNT_FILES.sys]: authority.accounts.sys,
    [ACCOUNT_FILES.core]: authority.accounts.core,
    [ACCOUNT_FILES.edge]: authority.accounts.edge,
    ...Object.fromEntries(
      Object.entries(KEY_FILES).map(([name, file]) => [file, seedOf(authority.keys[name as keyof typeof KEY_FILES])]),
    ),
  };
}

/** Throws when a file is missing, is no key of its kind, or belongs to another operator. */
export function authorityFromFiles(files: AuthorityFiles): Authority {
  const text = (file: string): string => {
    const found = files[file]?.trim();
    if (!found) throw new Error(`the network's keys lack ${file}`);
    return found;
  };
  const key = (file: string, kind: 'O' | 'A'): KeyPair => {
    const pair = fromSeed(new TextEncoder().encode(text(file)));
    if (!pair.getPublicKey().startsWith(kind)) throw new Error(`${file} holds a key of another kind`);
    return pair;
  };
  const account = (file: string): string => {
    if (!fromPublic(text(file)).getPublicKey().startsWith('A')) throw new Error(`${file} holds no account's key`);
    return text(file);
  };
  const authority: Authority = {
    operatorJwt: text(OPERATOR_FILE),
    accounts: {
      sys: account(ACCOUNT_FILES.sys),
      core: account(ACCOUNT_FILES.core),
      edge: account(ACCOUNT_FILES.edge),
    },
    keys: {
      operatorSigning: key(KEY_FILES.operatorSigning, 'O'),
      sysSigning: key(KEY_FILES.sysSigning, 'A'),
      coreSigning: key(KEY_FILES.coreSigning, 'A'),
      edgeControl: key(KEY_FILES.edgeControl, 'A'),
      edgeBulk: key(KEY_FILES.edgeBulk, 'A'),
    },
  };
  const operator = decode<{ signing_keys?: string[]; system_account?: string }>(authority.operatorJwt).nats;
  if (operator.signing_keys?.includes(authority.keys.operatorSigning.getPublicKey()) !== true)
    throw new Error(`${KEY_FILES.operatorSigning} is not a key of the operator in ${OPERATOR_FILE}`);
  if (operator.system_account !== authority.accounts.sys)
    throw new Error(`${ACCOUNT_FILES.sys} is not the system account of the operator in ${OPERATOR_FILE}`);
  return authority;
}

async function writeFiles(files: AuthorityFiles, dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  // `wx`: keys that are there are never written over.
  for (const [name, text] of Object.entries(files))
    await writeFile(join(dir, name), `${text}\n`, { mode: 0o600, flag: 'wx' });
}

/** Files of mode 0600 in a folder of mode 0700. Throws when one of them is there already. */
export const saveAuthority = (authority: Authority, dir: string): Promise<void> =>
  writeFiles(authorityToFiles(authority), dir);

/** As `saveAuthority`, for what must not stay on a machine of the network. */
export const saveOperatorRoot = (root: AuthorityFiles, dir: string): Promise<void> => writeFiles(root, dir);

export async function loadAuthority(dir: string): Promise<Authority> {
  const read = AUTHORITY_FILES.map(async (name) => [name, await readFile(join(dir, name), 'utf8')] as const);
  return authorityFromFiles(Object.fromEntries(await Promise.all(read)));
}
