import { Inject, Injectable } from '@nestjs/common';
import { RPC, type NodeName, type RpcOperation, type RpcRefusal } from '@openward/contracts';
import { parseRpcSubject } from '@openward/messaging';
import type { NodeRecord } from '@openward/persistence';
import { openDocument, sealDocument } from '@openward/trust';
import type { z } from 'zod';
import { CONTEXT, type Context } from '../process/context.ts';

type RequestOf<O extends RpcOperation> = z.output<(typeof RPC)[O]['request']>;
type ReplyOf<O extends RpcOperation> = z.output<(typeof RPC)[O]['reply']>;

/** A call whose sender and seal were checked. */
export interface Asked<O extends RpcOperation> extends NodeName {
  readonly request: RequestOf<O>;
  readonly record: NodeRecord;
}

/** Who calls: the tokens of the subject, which NATS enforces, and the seal of that node's identity over the very bytes. */
@Injectable()
export class NodeIdentity {
  constructor(@Inject(CONTEXT) private readonly context: Context) {}

  /** Throws for a call that nobody can be told about: no node of ours, or a seal that does not hold. */
  async answer<O extends RpcOperation>(
    operation: O,
    subject: string,
    frame: Uint8Array,
    act: (asked: Asked<O>) => Promise<ReplyOf<O> | { readonly refused: string }>,
  ): Promise<Uint8Array> {
    const { store, keys } = this.context;
    const name = parseRpcSubject(subject);
    if (name === null || name.operation !== operation) throw new Error(`no call of ${operation}: ${subject}`);
    const { site, node } = name;
    const record = await store.nodes.find(node);
    if (record === null || record.site !== site)
      throw new Error(`a call of a node that is not enrolled: ${site}/${node}`);
    const opened = openDocument(subject, frame, [record.identityKey], RPC[operation].request);
    if ('refused' in opened)
      throw new Error(`a call of ${node} that does not hold: ${opened.refused} ${opened.detail ?? ''}`);
    const request = opened.value as RequestOf<O>;
    const reply = record.revoked ? { refused: 'nodeRevoked' } : await act({ site, node, request, record });
    const { nonce } = request as { readonly nonce: string };
    const told: unknown = 'refused' in reply ? ({ v: 1, nonce, refused: reply.refused } satisfies RpcRefusal) : reply;
    return sealDocument(subject, told, keys.signer);
  }
}
