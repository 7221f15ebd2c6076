import { Inject, Injectable } from '@nestjs/common';
import {
  Refusal,
  type Credentials,
  type Name,
  type NodeName,
  type RenewReply,
  type RenewRequest,
} from '@openward/contracts';
import { mintNodeCredentials } from '@openward/messaging';
import { CONTEXT, type Context } from '../process/context.ts';

/** NATS credentials for keys that a node made (K1). They reach the families of its assignments, and no other (D2). */
@Injectable()
export class CredentialService {
  constructor(@Inject(CONTEXT) private readonly context: Context) {}

  /** Until when credentials that are minted now are good. By this machine's clock: the NATS server goes by its own too. */
  expiry(): Date {
    return new Date(Math.ceil((Date.now() + this.context.config.engine.credentialLifetimeS * 1000) / 1000) * 1000);
  }

  async mint(
    node: NodeName,
    keys: { readonly control: string; readonly bulk: string },
    until: Date,
  ): Promise<Credentials> {
    const desired = await this.context.store.outbox.newest(node);
    const credentials = await mintNodeCredentials(this.context.authority, {
      ...node,
      families: desired?.state.families ?? [],
      controlKey: keys.control,
      bulkKey: keys.bulk,
      expiresAt: until.toISOString(),
    });
    // A revocation voids what was issued by then, so what is issued while it commits must not leave: it could be newer.
    if ((await this.context.store.nodes.ackedThrough(node.node)) === null) throw revoked(node.node);
    return credentials;
  }

  /** Of a node whose seal was checked. A revoked one is refused, and so is a frame that was used before: somebody kept it. */
  async renew(node: NodeName, request: RenewRequest): Promise<RenewReply> {
    const { store } = this.context;
    const until = this.expiry();
    const { control, bulk, nonce } = request;
    const done = await store.nodes.renewed(node.node, { control, bulk, until, nonce });
    if (done === 'revoked') throw revoked(node.node);
    if (done === 'replayed') throw new Refusal('renewalReplayed', `${node.node} has used this nonce before.`);
    if (done === 'tooOften')
      throw new Refusal('busy', `${node.node} renews too often: once in ten minutes from now on.`);
    const credentials = await this.mint(node, { control, bulk }, until);
    return { v: 1, nonce, credentials, now: new Date(await store.network.now()).toISOString() };
  }
}

export const revoked = (node: Name): Refusal => new Refusal('nodeRevoked', `The node ${node} was revoked.`);
