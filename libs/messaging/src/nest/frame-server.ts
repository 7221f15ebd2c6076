import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import type { Link } from '../link.ts';
import type { FrameContext } from './frame-context.ts';

/** Whether a NATS pattern, with `*` for a token and `>` for the rest, covers a subject. */
export function covers(pattern: string, subject: string): boolean {
  const wanted = pattern.split('.');
  const given = subject.split('.');
  for (const [at, token] of wanted.entries()) {
    if (token === '>') return given.length > at;
    if (given[at] === undefined || (token !== '*' && token !== given[at])) return false;
  }
  return wanted.length === given.length;
}

/**
 * The part that both transports share: bytes in, through a Nest handler with its guards, pipes and interceptors, bytes out.
 * The link belongs to whoever made it; closing the server leaves it open.
 */
export abstract class FrameServer extends Server implements CustomTransportStrategy {
  abstract override readonly transportId: symbol;
  /** What a handler throws is answered here; Nest need not report it too. */
  override readonly propagatesEventHandlerErrors = true;
  protected abstract readonly link: Link;

  /** The client's status is followed on the link, where the process that made it listens. */
  override on(): never {
    throw new Error('listen to the link instead');
  }

  override unwrap<T>(): T {
    return this.link.nc as T;
  }

  protected async run(handler: MessageHandler, frame: Uint8Array, context: FrameContext): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.onProcessingStartHook(this.transportId, context, async () => {
        try {
          const result: unknown = await handler(frame, context);
          resolve(await lastValueFrom(this.transformToObservable(result), { defaultValue: undefined }));
        } catch (error) {
          // Nest's filter throws a plain object.
          reject(error instanceof Error ? error : new Error('a handler failed', { cause: error }));
        } finally {
          this.onProcessingEndHook?.(this.transportId, context);
        }
      });
    });
  }
}
