import { Controller, Get, Header, Inject, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Health, Refusal } from '@openward/contracts';
import type { Request } from 'express';
import { isLoopback } from '../config.ts';
import { identify } from '../http/auth.guard.ts';
import { Route } from '../http/route.ts';
import { CONTEXT, type Context } from '../process/context.ts';

@ApiTags('health')
@Controller()
export class HealthController {
  constructor(@Inject(CONTEXT) private readonly context: Context) {}

  @Get('health')
  @Route({ does: 'Whether the process lives', right: 'public', answers: Health })
  health(): Health {
    return { status: 'ok' };
  }

  @Get('ready')
  @Route({ does: 'Whether it can work: database and NATS are there', right: 'public', answers: Health })
  async ready(): Promise<Health> {
    const { store, links } = this.context;
    const isConnected = [links.engine, links.rpc, links.sys].every((link) => link.isConnected);
    if (!isConnected) throw new Refusal('busy', 'NATS is not connected.');
    await store.network.ping().catch((cause: unknown) => {
      throw new Refusal('busy', 'The database does not answer.', { cause });
    });
    return { status: 'ok' };
  }

  @Get('metrics')
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  @Route({ does: 'Metrics for Prometheus: from loopback, or with a token', right: 'public', answers: 'text' })
  async metrics(@Req() request: Request): Promise<string> {
    const { config, telemetry } = this.context;
    const from = request.socket.remoteAddress?.replace(/^::ffff:/, '') ?? '';
    // Behind a proxy everybody comes from where the proxy is.
    if (config.http.behindProxy || !isLoopback(from)) await identify(this.context, request.headers.authorization);
    return (await telemetry.scrape()) ?? '';
  }
}
