import { BaseRpcContext } from '@nestjs/microservices';

/** What a handler gets with `@Ctx()` beside the frame, which is its `@Payload()`, as the bytes that came. */
export class FrameContext extends BaseRpcContext<[subject: string, deliveries: number, traceparent: string | null]> {
  /** Site and node in it are the sender's identity: the server lets a node publish on its own subjects only. */
  get subject(): string {
    return this.args[0];
  }

  /** 1 the first time; calls have no other. */
  get deliveries(): number {
    return this.args[1];
  }

  get traceparent(): string | null {
    return this.args[2];
  }
}
