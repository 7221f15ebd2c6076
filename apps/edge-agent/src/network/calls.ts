import { RPC, RpcRefusal, rpcSubject, type Ids, type RpcOperation } from '@openward/contracts';
import { CallError, request, type NodeLink } from '@openward/messaging';
import { currentTraceparent, inSpan } from '@openward/observability';
import type { DisclosureGate } from '@openward/privacy';
import { openDocument } from '@openward/trust';
import { z } from 'zod';
import type { KeySets } from './key-sets.ts';

/** The network would not answer the question; its code says why. */
export class CallRefused extends Error {
  override readonly name = 'CallRefused';
  readonly why: string;
  constructor(operation: RpcOperation, why: string) {
    super(`the network refused the call ${operation}: ${why}`);
    this.why = why;
  }
}

type Question<O extends RpcOperation> = Omit<z.input<(typeof RPC)[O]['request']>, 'v' | 'nonce'>;
type Reply<O extends RpcOperation> = z.output<(typeof RPC)[O]['reply']>;

export interface Calls {
  /** Rejects when no answer comes, when it was refused, or when its seal or nonce is wrong. `nonce` where the caller has one. */
  call<O extends RpcOperation>(operation: O, question: Question<O>, nonce?: string): Promise<Reply<O>>;
}

const LONGEST_WAIT_MS = 10_000;

/** Before the row is written: a question that cannot leave is no disclosure, and a month without a line fills no ledger. */
async function connected(link: NodeLink, operation: RpcOperation): Promise<void> {
  try {
    await link.whenConnected(AbortSignal.timeout(LONGEST_WAIT_MS));
  } catch (cause) {
    throw new CallError('disconnected', operation, cause);
  }
}

export function createCalls(options: {
  readonly link: NodeLink;
  readonly gate: DisclosureGate;
  readonly ids: Ids;
  readonly keySets: KeySets;
  /** Of the session. */
  readonly signal: AbortSignal;
}): Calls {
  const { link, gate, ids, keySets, signal } = options;
  return {
    call: (operation, question, nonce = ids.nonce()) =>
      inSpan(
        `call ${operation}`,
        async () => {
          const subject = rpcSubject(link.site, link.node, operation);
          const payload = RPC[operation].request.parse({ v: 1, nonce, ...question });
          await connected(link, operation);
          const frame = await gate.request(operation, subject, payload);
          const traceparent = currentTraceparent();
          const answer = await request(link, operation, frame, traceparent === undefined ? {} : { traceparent });
          const schema = z.union([RpcRefusal, RPC[operation].reply]);
          const opened = openDocument(subject, answer.frame, keySets.keys(), schema);
          // The caller asks again; by then the keys may be known (K1). It rejects only where this session ends.
          if ('refused' in opened && opened.refused === 'unknownKey') keySets.newer(signal).catch(() => undefined);
          if ('refused' in opened)
            throw new Error(`the answer to ${operation} is not the network's: ${opened.refused}`);
          if (opened.value.nonce !== nonce) throw new Error(`the answer to ${operation} is an old one`);
          if ('refused' in opened.value) throw new CallRefused(operation, opened.value.refused);
          return opened.value as Reply<typeof operation>;
        },
        { kind: 'client' },
      ),
  };
}
