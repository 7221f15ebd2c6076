import { Controller, Inject, Param, Sse, type MessageEvent } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Refusal, RolloutId, type LiveEvent } from '@openward/contracts';
import { interval, map, merge, Observable } from 'rxjs';
import { Route } from '../http/route.ts';
import { CONTEXT, type Context } from '../process/context.ts';

/** Short of what proxies take for a dead connection. */
const ALIVE_MS = 15_000;

@ApiTags('events')
@Controller('api/v1')
export class EventController {
  constructor(@Inject(CONTEXT) private readonly context: Context) {}

  @Sse('events')
  @Route({
    does: 'What changes, as it is committed; read the resource again',
    right: 'rollouts:read',
    answers: 'events',
  })
  all(): Observable<MessageEvent> {
    return this.stream(() => true);
  }

  /** Begins with the version that is there, so that nothing falls between reading and listening. */
  @Sse('rollouts/:id/events')
  @Route({
    does: 'What changes of one rollout; the first event names its version now',
    right: 'rollouts:read',
    answers: 'events',
  })
  async ofRollout(@Param('id', { schema: RolloutId }) id: string): Promise<Observable<MessageEvent>> {
    const changes = this.stream((event) => event.type === 'rollout' && event.id === id);
    const now = await this.context.store.rolloutStore.read(id);
    if (now === null) throw new Refusal('notFound', `There is no rollout ${id}.`);
    const first: LiveEvent = { type: 'rollout', id, version: now.version };
    return new Observable((client) => {
      client.next(messageOf(first));
      return changes.subscribe(client);
    });
  }

  /** It ends when events may have been missed: the client connects again and reads what it shows. */
  private stream(wanted: (event: LiveEvent) => boolean): Observable<MessageEvent> {
    const events = new Observable<MessageEvent>((client) =>
      this.context.events.listen({
        event: (event) => {
          if (wanted(event)) client.next(messageOf(event));
        },
        lost: () => client.complete(),
      }),
    );
    return new Observable((client) => {
      const alive = interval(ALIVE_MS).pipe(map((): MessageEvent => ({ comment: 'alive' })));
      return merge(events, alive).subscribe(client);
    });
  }
}

const messageOf = (event: LiveEvent): MessageEvent => ({ type: event.type, data: event });
