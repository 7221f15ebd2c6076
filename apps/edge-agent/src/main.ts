import 'reflect-metadata';
import { chmodSync } from 'node:fs';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { createLogger, startTelemetry } from '@openward/observability';
import { Agent } from './agent.ts';
import { AppModule } from './app.module.ts';
import { dataDirOf, readConfig } from './config.ts';
import { claimSocket } from './local/socket.ts';
import { claimFolder } from './node/files.ts';
import { holdDataFolder } from './node/lock.ts';
import { AGENT_VERSION } from './version.ts';

// `node main.js --data DIR`, or `openward node run`. One process for one node; its runtime is a child of its own.

const MOST_RECORDS_BYTES = 256 * 1024 * 1024;

const dataDir = dataDirOf(process.argv);
claimFolder(dataDir);

try {
  const held = holdDataFolder(dataDir);
  const config = readConfig(dataDir);
  const logger = createLogger({ name: 'edge-agent', level: config.logLevel });
  const telemetry = await startTelemetry({
    service: 'openward-edge-agent',
    version: AGENT_VERSION,
    otlpUrl: config.otlpUrl,
    prometheus: false,
  });
  const agent = await Agent.start(config, logger);
  const app = await NestFactory.create<NestExpressApplication>(AppModule.of(agent, telemetry), {
    logger: false,
    bodyParser: false,
  });
  // A site's own records come in one body, over a socket that its owner alone can open.
  app.useBodyParser('json', { limit: MOST_RECORDS_BYTES });
  app.enableShutdownHooks();
  const socket = claimSocket(dataDir);
  await app.listen(socket);
  chmodSync(socket, 0o600);
  agent.reconciler.done.catch((error: unknown) => {
    // An effect that must not fail did (mostly the journal): the next start begins from what is on the disk.
    logger.fatal({ error: String(error) }, 'reconciler.ended');
    process.exit(70);
  });
  process.once('exit', () => held.close());
  logger.info({ gateway: agent.gatewayUrl, socket, pid: process.pid }, 'listening');
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(78);
}
