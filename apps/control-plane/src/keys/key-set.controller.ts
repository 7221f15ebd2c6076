import { Controller, Get, Inject } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { KeySetsReply } from '@openward/contracts';
import { Route } from '../http/route.ts';
import { CONTEXT, type Context } from '../process/context.ts';

/** For nodes. What is told is public keys, each set signed by the one before. */
@ApiTags('nodes’ own')
@Controller('api/v1/key-sets')
export class KeySetController {
  constructor(@Inject(CONTEXT) private readonly context: Context) {}

  @Get()
  @Route({
    does: 'The key sets after the network’s first, oldest first, each sealed by a member of the one before (K1)',
    right: 'public',
    answers: KeySetsReply,
  })
  list(): KeySetsReply {
    return { sets: [...this.context.keys.frames] };
  }
}
