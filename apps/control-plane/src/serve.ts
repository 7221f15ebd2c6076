import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { REPORT_STREAM } from '@openward/contracts';
import { INGEST_DURABLE } from '@openward/messaging';
import { JetStreamServer, NatsRpcServer } from '@openward/messaging/nest';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import type { NestExpressApplication } from '@nestjs/platform-express';
import helmet from 'helmet';
import { AppModule } from './app.module.ts';
import { closeContext, openContext } from './boot.ts';
import { ConfigError, type Config } from './config.ts';
import { Loops } from './delivery/loops.ts';
import { Provisioner } from './delivery/provisioner.ts';
import { bodies } from './http/body.ts';
import { fairPublic } from './http/fair-public.ts';
import { measured } from './http/measured.ts';
import { offerOpenApi } from './openapi/document.ts';
import type { Context } from './process/context.ts';
import { Metrics } from './process/metrics.ts';
import { clock } from './process/ports.ts';
import { sparing } from './process/sparing.ts';

/**
 * What a replica had taken when it was killed goes to another after this long. A commit takes milliseconds; one that takes
 * longer is done twice, which changes nothing, while a wave's deadline may be seconds.
 */
const ACK_WAIT_MS = 3_000;

export interface ControlPlane {
  /** What it listens on. */
  readonly url: string;
  /** Takes no more, ends what was begun, and closes every connection. */
  close(): Promise<void>;
}

/** Boots one replica. Rejects when `signal` aborts before it listens. */
export async function serve(config: Config, signal: AbortSignal): Promise<ControlPlane> {
  const context = await openContext(config, signal);
  const app = await createApp(context);
  try {
    await app.get(Provisioner).provision();
    await app.startAllMicroservices();
    await app.get(Loops).start();
    await listen(app, config);
    const url = addressOf(app, config);
    context.address.url ||= url;
    context.log.info('listening', { url, publicUrl: context.address.url, version: context.version });
    return { url, close: () => close(app, context) };
  } catch (error) {
    await close(app, context);
    throw error;
  }
}

async function listen(app: NestExpressApplication, { http }: Config): Promise<void> {
  try {
    await app.listen(http.port, http.host);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' && code !== 'EACCES' && code !== 'EADDRNOTAVAIL') throw cause;
    throw new ConfigError(`OPENWARD_LISTEN: ${http.host}:${http.port} cannot be listened on (${code})`, { cause });
  }
}

/** Routes, guards and transports, not yet listening. */
export async function createApp(context: Context): Promise<NestExpressApplication> {
  const { config, links, log } = context;
  const app = await NestFactory.create<NestExpressApplication>(AppModule.over(context), {
    bodyParser: false,
    forceCloseConnections: true,
    logger: false,
    ...(config.http.tls === null ? {} : { httpsOptions: { ...config.http.tls } }),
  });
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  app.use(
    helmet({ contentSecurityPolicy: { directives: { 'script-src': ["'self'"], 'img-src': ["'self'", 'data:'] } } }),
  );
  const { callsRefused, reportsPutBack } = app.get(Metrics);
  app.use(measured(app.get(Metrics)));
  const onBusy = (): void => callsRefused.add(1);
  app.use(bodies(config.http.bodyTimeoutMs));
  app.use(fairPublic(onBusy));
  offerOpenApi(app, context.address);
  const onError = sparing<unknown>((error, leftOut) => {
    log.warn('a message of a node failed', { error, ...(leftOut === 0 ? {} : { leftOut }) });
  }, clock);
  app.connectMicroservice<MicroserviceOptions>({
    strategy: new JetStreamServer({
      engine: links.engine,
      stream: REPORT_STREAM,
      durable: INGEST_DURABLE,
      ackWaitMs: ACK_WAIT_MS,
      clock,
      onPutBack: () => reportsPutBack.add(1),
      onError,
    }),
  });
  app.connectMicroservice<MicroserviceOptions>({ strategy: new NatsRpcServer({ rpc: links.rpc, onBusy, onError }) });
  return app;
}

function addressOf(app: NestExpressApplication, { http }: Config): string {
  const { port } = app.getHttpServer().address() as AddressInfo;
  const host = http.host.includes(':') ? `[${http.host}]` : http.host;
  return `${http.tls === null ? 'http' : 'https'}://${host}:${port}`;
}

async function close(app: NestExpressApplication, context: Context): Promise<void> {
  const { log } = context;
  try {
    await app.close();
  } catch (error) {
    // A transport could not end in order, as when NATS is away. Nothing is lost: what it had not acknowledged comes again.
    log.warn('not closed in order', { error });
    const server = app.getHttpServer();
    server.close();
    server.closeAllConnections();
  }
  await app.get(Loops).stop();
  await closeContext(context);
}
