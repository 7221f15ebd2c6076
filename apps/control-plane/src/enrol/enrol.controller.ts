import { Controller, Get, Inject, Post, Query, Req, StreamableFile } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Nonce, Refusal } from '@openward/contracts';
import type { Request } from 'express';
import { Route } from '../http/route.ts';
import { EnrolService } from './enrol.service.ts';

/** For nodes. Each proves itself by its seal; no access token is involved. */
@ApiTags('nodes’ own')
@Controller('api/v1')
export class EnrolController {
  constructor(@Inject(EnrolService) private readonly service: EnrolService) {}

  @Post('enrol')
  @Route({ does: 'Enrol a node with a token (K2)', right: 'public', answers: 'frame', takes: 'frame' })
  async enrol(@Req() request: Request): Promise<StreamableFile> {
    return new StreamableFile(await this.service.enrol(frameOf(request)));
  }

  @Post('renew')
  @Route({ does: 'Renew credentials that have expired (K3)', right: 'public', answers: 'frame', takes: 'frame' })
  async renew(@Req() request: Request): Promise<StreamableFile> {
    return new StreamableFile(await this.service.renew(frameOf(request)));
  }

  @Get('time')
  @Route({ does: 'The network’s time, sealed over a nonce (K3)', right: 'public', answers: 'frame' })
  async time(@Query('nonce', { schema: Nonce }) nonce: string): Promise<StreamableFile> {
    return new StreamableFile(await this.service.time(nonce));
  }
}

function frameOf(request: Request): Uint8Array {
  const body: unknown = request.body;
  if (!(body instanceof Uint8Array)) throw new Refusal('badRequest', 'The body is empty.');
  return body;
}
