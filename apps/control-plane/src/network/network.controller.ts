import { Body, Controller, Inject, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Epoch, Reason } from '@openward/contracts';
import { Creating, once, type Creation } from '../http/idempotency.ts';
import { Route } from '../http/route.ts';
import { CONTEXT, type Context } from '../process/context.ts';

@ApiTags('network')
@Controller('api/v1/epoch')
export class NetworkController {
  constructor(@Inject(CONTEXT) private readonly context: Context) {}

  /** D6: after a backup was restored. Every node is told its state anew, above all that it has seen. */
  @Post()
  @Route({
    does: 'Open a new epoch: what is held here is the truth again, and read-only ends',
    right: 'network:write',
    status: 201,
    answers: Epoch,
    creates: true,
  })
  async open(@Body({ schema: Reason }) { reason }: Reason, @Creating() creation: Creation): Promise<Epoch> {
    const { store, wakes } = this.context;
    const opened = await once(store, creation, async ({ network }) => ({
      epoch: await network.openEpoch(creation.by.name, reason),
    }));
    wakes.relay.wake();
    wakes.ticks.wake();
    return opened;
  }
}
