import { Controller, Inject, Param, Req, Sse, type MessageEvent } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Refusal, RolloutId, type LiveEvent } from '@openward/contracts';
import type { Request } from 'express';
import { exhaustMap, filter, interval, Observable } from 'rxjs';
import { identify } from '../http/auth.guard.ts';
import { Route } from '../http/route.ts';
import { CONTEXT, type Context } from '../process/context.ts';

/** Short of what proxies take for a dead connection. */
const ALIVE_MS = 15_000;
/** A token that was revoked or has expired hears nothing more after as long. */
const LOOK_AT_TOKEN_MS = 3_000;

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
  all(@Req() request: Request): Observable<MessageEvent> {
    return this.stream(request, () => true);
  }

  /** Begins with the version that is there, so that nothing falls between reading and listening. */
  @Sse('rollouts/:id/events')
  @Route({
    does: 'What changes of one rollout; the first event names its version now',
    right: 'rollouts:read',
    answers: 'events',
  })
  async ofRollout(
    @Param('id', { schema: RolloutId }) id: string,
    @Req() request: Request,
  ): Promise<Observable<MessageEvent>> {
    const changes = this.stream(request, (event) => event.type === 'rollout' && event.id === id);
    const now = await this.context.store.rolloutStore.read(id);
    if (now === null) throw new Refusal('notFound', `There is no rollout ${id}.`);
    const first: LiveEvent = { type: 'rollout', id, version: now.version };
    return new Observable((client) => {
      client.next(messageOf(first));
      return changes.subscribe(client);
    });
  }

  /** It ends when events may have been missed: the client connects again and reads what it shows. And with its token. */
  private stream(request: Request, wanted: (event: LiveEvent) => boolean): Observable<MessageEvent> {
    return new Observable<MessageEvent>((client) => {
      const stopListening = this.context.events.listen({
        event: (event) => {
          if (wanted(event)) client.next(messageOf(event));
        },
        lost: () => client.complete(),
      });
      const alive = interval(ALIVE_MS).subscribe(() => client.next(ALIVE));
      const outlived = this.outlived(request).subscribe(() => client.complete());
      return () => {
        stopListening();
        alive.unsubscribe();
        outlived.unsubscribe();
      };
    });
  }

  /** Emits when the token is good no more. A database that does not answer says nothing of it. */
  private outlived(request: Request): Observable<unknown> {
    return interval(LOOK_AT_TOKEN_MS).pipe(
      exhaustMap(() => isLetIn(this.context, request.headers.authorization)),
      filter((letIn) => !letIn),
    );
  }
}

async function isLetIn(context: Context, authorization: string | undefined): Promise<boolean> {
  try {
    await identify(context, authorization);
    return true;
  } catch (error) {
    return !(error instanceof Refusal);
  }
}

const ALIVE: MessageEvent = { comment: 'alive' };
const messageOf = (event: LiveEvent): MessageEvent => ({ type: event.type, data: event });
