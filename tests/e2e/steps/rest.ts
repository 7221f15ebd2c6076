import { randomUUID } from 'node:crypto';
import { request as httpsRequest } from 'node:https';
import { API, digestOfBytes, IDEMPOTENCY_HEADER, type Digest } from '@openward/contracts';
import { buildManifest, cutFile } from '@openward/distribution';
import pg from 'pg';
import type { World } from '../fixture.ts';

// REST without the client, which would not send what the cases of bad input are about.

export interface RestAnswer {
  readonly status: number;
  readonly code: string | undefined;
  readonly message: string | undefined;
  readonly body: unknown;
}

export interface RestCall {
  readonly method?: string;
  readonly path: string;
  /** An object goes as JSON, everything else as it is. */
  readonly body?: object | Uint8Array | string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Only the first byte is sent, and then nothing. */
  readonly stalls?: boolean;
}

export function call(
  { network }: World,
  { method = 'POST', path, body, headers, stalls = false }: RestCall,
): Promise<RestAnswer> {
  const isRaw = typeof body === 'string' || body instanceof Uint8Array;
  const bytes = Buffer.from(body === undefined ? '' : isRaw ? body : JSON.stringify(body));
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      `${network.url}${API}${path}`,
      {
        method,
        ca: network.ca,
        agent: false,
        headers: {
          authorization: `Bearer ${network.token}`,
          'content-type': body instanceof Uint8Array ? 'application/octet-stream' : 'application/json',
          'content-length': String(stalls ? bytes.length + 1 : bytes.length),
          [IDEMPOTENCY_HEADER]: randomUUID(),
          ...headers,
        },
      },
      (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.on('end', () => {
          const text = Buffer.concat(pieces).toString('utf8');
          const parsed = (text === '' ? {} : JSON.parse(text)) as { code?: string; message?: string };
          resolve({ status: response.statusCode ?? 0, code: parsed.code, message: parsed.message, body: parsed });
          request.destroy();
        });
      },
    );
    let answered = false;
    request.on('response', () => (answered = true));
    // A body that is refused before it is whole may end the connection while it is being written.
    request.on('error', (error) => (answered ? undefined : reject(error)));
    request.write(bytes);
    if (!stalls) request.end();
  });
}

/** Uploads a file in pieces, as if it were a model, and gives the digest of its manifest. Nothing is looked at on the way. */
export async function uploadAsModel(world: World, file: Uint8Array): Promise<Digest> {
  const chunks = [...cutFile(file.length, undefined)].map(({ offset, size }) => ({
    offset,
    size,
    digest: digestOfBytes(file.subarray(offset, offset + size)),
  }));
  const { manifest, lists } = buildManifest('gguf', digestOfBytes(file), chunks);
  const pieces = [
    ...chunks.map(({ digest, offset, size }) => ({ digest, bytes: file.subarray(offset, offset + size) })),
    ...lists,
    manifest,
  ];
  for (const { digest, bytes } of pieces) {
    const { status, message } = await call(world, { method: 'PUT', path: `/chunks/${digest}`, body: bytes });
    if (status >= 300) throw new Error(`${digest}: ${message}`);
  }
  return manifest.digest;
}

/** What nodes do by themselves: their reports, and that the control plane sees them connected. */
const OF_NODES = new Set(['reports', 'node_links']);

/** How many rows each other table has. */
export async function countRows({ network }: World): Promise<Record<string, number>> {
  const client = new pg.Client({ connectionString: network.controlPlane.start.env['OPENWARD_DATABASE_URL'] });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>(
      "select table_name as name from information_schema.tables where table_schema = 'public'",
    );
    const counts: Record<string, number> = {};
    for (const { name } of rows.filter((table) => !OF_NODES.has(table.name))) {
      const counted = await client.query<{ n: string }>(`select count(*) as n from ${pg.escapeIdentifier(name)}`);
      counts[name] = Number(counted.rows[0]?.n);
    }
    return counts;
  } finally {
    await client.end();
  }
}

/** For what no interface can do: time that has passed, say. */
export async function inDatabase({ network }: World, sql: string, values: readonly unknown[] = []): Promise<void> {
  const client = new pg.Client({ connectionString: network.controlPlane.start.env['OPENWARD_DATABASE_URL'] });
  await client.connect();
  try {
    await client.query(sql, [...values]);
  } finally {
    await client.end();
  }
}
