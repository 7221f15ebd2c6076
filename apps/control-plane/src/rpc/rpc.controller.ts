import { Controller, Inject } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { Refusal, type RpcOperation } from '@openward/contracts';
import { FrameContext, NATS_RPC, rpcPattern } from '@openward/messaging/nest';
import { currentTraceparent, inSpan } from '@openward/observability';
import { CredentialService } from '../enrol/credential.service.ts';
import { NodeIdentity, type Asked } from './node-identity.ts';
import { RpcService } from './rpc.service.ts';

interface Answered {
  readonly frame: Uint8Array;
  readonly traceparent?: string;
}

/** What nodes ask over NATS. Each call may be answered by any replica. */
@Controller()
export class RpcController {
  constructor(
    @Inject(NodeIdentity) private readonly identity: NodeIdentity,
    @Inject(RpcService) private readonly service: RpcService,
    @Inject(CredentialService) private readonly credentials: CredentialService,
  ) {}

  @MessagePattern(rpcPattern('permit'), NATS_RPC)
  permit(@Payload() frame: Uint8Array, @Ctx() context: FrameContext): Promise<Answered> {
    return this.answer('permit', frame, context, (asked) => this.service.permit(asked));
  }

  @MessagePattern(rpcPattern('acked'), NATS_RPC)
  acked(@Payload() frame: Uint8Array, @Ctx() context: FrameContext): Promise<Answered> {
    return this.answer('acked', frame, context, (asked) => this.service.acked(asked));
  }

  @MessagePattern(rpcPattern('hello'), NATS_RPC)
  hello(@Payload() frame: Uint8Array, @Ctx() context: FrameContext): Promise<Answered> {
    return this.answer('hello', frame, context, (asked) => this.service.hello(asked));
  }

  @MessagePattern(rpcPattern('refill'), NATS_RPC)
  refill(@Payload() frame: Uint8Array, @Ctx() context: FrameContext): Promise<Answered> {
    return this.answer('refill', frame, context, (asked) => this.service.refill(asked));
  }

  @MessagePattern(rpcPattern('renew'), NATS_RPC)
  renew(@Payload() frame: Uint8Array, @Ctx() context: FrameContext): Promise<Answered> {
    return this.answer('renew', frame, context, async ({ site, node, request }) => {
      try {
        return await this.credentials.renew({ site, node }, request);
      } catch (error) {
        if (error instanceof Refusal) return { refused: error.code };
        throw error;
      }
    });
  }

  /** In a span of the node's own trace (G4). */
  private answer<O extends RpcOperation>(
    operation: O,
    frame: Uint8Array,
    context: FrameContext,
    act: (asked: Asked<O>) => ReturnType<Parameters<NodeIdentity['answer']>[3]>,
  ): Promise<Answered> {
    const parent = context.traceparent ?? undefined;
    return inSpan(
      `rpc ${operation}`,
      async () => {
        const sealed = await this.identity.answer(operation, context.subject, frame, act as never);
        const traceparent = currentTraceparent();
        return { frame: sealed, ...(traceparent === undefined ? {} : { traceparent }) };
      },
      { parent, kind: 'server' },
    );
  }
}
