import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AgentConfig } from '../config.ts';

/** What plain and TLS servers have in common. It answers nobody before its listener is set. */
export interface GatewayServer extends Pick<
  Server,
  'address' | 'close' | 'closeIdleConnections' | 'closeAllConnections'
> {
  on(event: 'request', listener: RequestListener): unknown;
  once(event: 'error', listener: (error: Error) => void): unknown;
  listen(port: number, host: string, listening: () => void): unknown;
}

export function createGatewayServer({ gateway }: AgentConfig): GatewayServer {
  if (gateway.tls === null) return createServer({ requestTimeout: 0 });
  return createTlsServer({ cert: readFileSync(gateway.tls.cert), key: readFileSync(gateway.tls.key) });
}

export function listen(server: GatewayServer, { gateway: { host, port } }: AgentConfig): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}

/** Where it listens, whichever port it was given. */
export function urlOf(server: GatewayServer, { gateway: { host, tls } }: AgentConfig): string {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return `${tls === null ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Requests in flight end first, as long as a drain may last. */
export async function closeServer(server: GatewayServer, drainMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const deadline = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed;
  clearTimeout(deadline);
}
