import { Body, Controller, Inject, Param, Post, Put, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ChunksMissing, ChunksMissingReply, ChunkStored, Digest, MAX_LIST_BYTES } from '@openward/contracts';
import type { Request, Response } from 'express';
import type { z } from 'zod';
import { readBytes } from '../http/body.ts';
import { Route } from '../http/route.ts';
import { CONTEXT, type Context } from '../process/context.ts';

/** D1: pieces of artifacts, by digest. A push asks what is missing and sends that. */
@ApiTags('registry')
@Controller('api/v1/chunks')
export class ChunkController {
  constructor(@Inject(CONTEXT) private readonly context: Context) {}

  @Post('missing')
  @Route({
    does: 'Which of these pieces the artifact store lacks',
    right: 'registry:write',
    answers: ChunksMissingReply,
  })
  async missing(
    @Body({ schema: ChunksMissing }) { digests }: z.output<typeof ChunksMissing>,
  ): Promise<z.output<typeof ChunksMissingReply>> {
    // Those that are there count as uploaded now, so that none goes while the rest is sent (D7).
    const there = await this.context.artifacts.claim(digests);
    return { missing: digests.filter((digest) => !there.has(digest)) };
  }

  @Put(':digest')
  @Route({
    does: 'Upload one piece: a chunk, a list or a manifest, at most 512 KiB, checked against its digest',
    right: 'registry:write',
    answers: ChunkStored,
    takes: 'bytes',
  })
  async put(
    @Param('digest', { schema: Digest }) digest: Digest,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ChunkStored> {
    const bytes = await readBytes(request, MAX_LIST_BYTES, this.context.config.http.bodyTimeoutMs);
    const stored = await this.context.artifacts.put(digest, bytes);
    response.status(stored ? 201 : 200);
    return { stored };
  }
}
