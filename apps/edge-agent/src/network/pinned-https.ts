import { request as httpsRequest, type RequestOptions } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import { Refusal, type Digest } from '@openward/contracts';
import { certificateDigest, checkChain } from '@openward/trust';

// HTTPS to the control plane for the pinned authority alone. The check is our own, since K3 lets dates be out of range there
// and nowhere else, and since an error code cannot tell a wrong date from an impostor.

interface Address {
  readonly host: string;
  readonly port: number;
}

function addressOf(url: string): Address {
  const { protocol, hostname, port } = new URL(url);
  if (protocol !== 'https:') throw new Refusal('badRequest', `The control plane's address ${url} is not https.`);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? 443 : Number(port) };
}

const pemOf = (der: Uint8Array): string =>
  `-----BEGIN CERTIFICATE-----\n${Buffer.from(der)
    .toString('base64')
    .replace(/(.{64})/g, '$1\n')}\n-----END CERTIFICATE-----\n`;

/** What the server shows, leaf first. */
function chainOf(socket: TLSSocket): Uint8Array[] {
  const chain: Uint8Array[] = [];
  let certificate = socket.getPeerCertificate(true);
  while (certificate?.raw !== undefined && !chain.some((known) => Buffer.compare(known, certificate.raw) === 0)) {
    chain.push(certificate.raw);
    certificate = certificate.issuerCertificate;
  }
  return chain;
}

function openSocket({ host, port }: Address, timeoutMs: number): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const isName = !/^[\d.]+$|:/.test(host);
    const socket = connect({ host, port, rejectUnauthorized: false, ...(isName ? { servername: host } : {}) });
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(timeoutMs, () => fail(new Error(`no answer from ${host}:${port} within ${timeoutMs} ms`)));
    socket.once('error', fail);
    socket.once('secureConnect', () => {
      socket.setTimeout(0);
      socket.off('error', fail);
      resolve(socket);
    });
  });
}

/** K2: the certificate of the chain that has the token's fingerprint, if the rest of the chain hangs from it. PEM. */
export async function fetchPinnedAuthority(url: string, fingerprint: Digest, wall: number): Promise<string> {
  const address = addressOf(url);
  const socket = await openSocket(address, 10_000);
  const chain = chainOf(socket);
  socket.destroy();
  const authority = chain.map(pemOf).find((pem) => certificateDigest(pem) === fingerprint);
  if (authority === undefined)
    throw new Refusal(
      'signatureInvalid',
      `The server at ${url} does not show the certificate authority that the token names.`,
    );
  const check = checkChain(chain, authority, address.host, wall);
  if (!check.ok) throw new Refusal('signatureInvalid', `The server at ${url} is not trusted: ${check.why}.`);
  return authority;
}

export interface PinnedReply {
  readonly status: number;
  readonly body: Buffer;
  /** K3: some date of the chain is out of range; an alarm, not a refusal. */
  readonly datesInRange: boolean;
}

export const postPinned = (
  url: string,
  path: string,
  ca: string,
  body: Uint8Array,
  wall: number,
): Promise<PinnedReply> => askPinned({ url, path, ca, body, wall });

export const getPinned = (url: string, path: string, ca: string, wall: number): Promise<PinnedReply> =>
  askPinned({ url, path, ca, body: null, wall });

/** Nothing is sent before the chain has been checked against `ca`. */
async function askPinned({
  url,
  path,
  ca,
  body,
  wall,
  timeoutMs = 15_000,
}: {
  readonly url: string;
  readonly path: string;
  readonly ca: string;
  /** Null: a GET. */
  readonly body: Uint8Array | null;
  readonly wall: number;
  readonly timeoutMs?: number;
}): Promise<PinnedReply> {
  const address = addressOf(url);
  const socket = await openSocket(address, timeoutMs);
  const check = checkChain(chainOf(socket), ca, address.host, wall);
  if (!check.ok) {
    socket.destroy();
    throw new Refusal('signatureInvalid', `The server at ${url} is not trusted: ${check.why}.`);
  }
  return new Promise((resolve, reject) => {
    const options: RequestOptions = {
      ...address,
      path,
      method: body === null ? 'GET' : 'POST',
      createConnection: () => socket,
      headers: {
        ...(body === null ? {} : { 'content-type': 'application/octet-stream', 'content-length': body.byteLength }),
        connection: 'close',
      },
    };
    const request = httpsRequest(options, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(pieces), datesInRange: check.datesInRange }),
      );
      response.on('error', reject);
    });
    request.setTimeout(timeoutMs, () => request.destroy(new Error(`no answer from ${url} within ${timeoutMs} ms`)));
    request.on('error', reject);
    if (body === null) request.end();
    else request.end(body);
  });
}
