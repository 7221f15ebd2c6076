import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What one process gave to one connection. */
export interface Recorded {
  readonly name: string;
  readonly kind: 'tls' | 'plain';
  readonly bytes: Buffer;
}

export const readRecorded = (folder: string): Recorded[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.kind'))
    .map((file) => file.slice(0, -'.kind'.length))
    .map((name) => ({
      name,
      kind: readFileSync(join(folder, `${name}.kind`), 'utf8') as Recorded['kind'],
      bytes: readFileSync(join(folder, `${name}.bytes`)),
    }));

export interface HttpCall {
  readonly method: string;
  readonly path: string;
  /** In the order in which they were sent, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** The one request of a connection. Throws where a byte stands before it, between, or after. */
export function parseHttpCall(bytes: Buffer): HttpCall {
  const end = bytes.indexOf('\r\n\r\n');
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const [, method, path] = /^([A-Z]+) (\S+) HTTP\/1\.1$/.exec(first) ?? [];
  if (end < 0 || method === undefined || path === undefined) throw new Error(`no HTTP request: ${first.slice(0, 80)}`);
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const body = bytes.subarray(end + 4);
  if (body.length !== Number(headers['content-length'] ?? 0)) throw new Error('a body of another length than it says');
  return { method, path, headers, body };
}
