import { Inject, Injectable } from '@nestjs/common';
import {
  API,
  digestOfBytes,
  ENROL_PATH,
  EnrolRequest,
  OLDEST_PROTOCOL,
  Refusal,
  RENEW_PATH,
  RenewRequest,
  sealedFor,
  type EnrolReply,
  type Name,
} from '@openward/contracts';
import { ensureNode } from '@openward/messaging';
import { keyIdOf, sealDocument } from '@openward/trust';
import { CONTEXT, type Context } from '../process/context.ts';
import { CredentialService, revoked } from './credential.service.ts';
import { keyIdIn, openSealed, openSelfSealed } from './frames.ts';

const ENROL = sealedFor(ENROL_PATH);
const RENEW = sealedFor(RENEW_PATH);
const TIME = `GET ${API}/time`;

@Injectable()
export class EnrolService {
  constructor(
    @Inject(CONTEXT) private readonly context: Context,
    @Inject(CredentialService) private readonly credentials: CredentialService,
  ) {}

  /** K2: proof of the identity's key by the seal, leave by a token that works once. */
  async enrol(frame: Uint8Array): Promise<Uint8Array> {
    const { store, links, wakes } = this.context;
    const request = openSelfSealed(ENROL, frame, EnrolRequest);
    if (request.protocol < OLDEST_PROTOCOL) {
      throw new Refusal(
        'badRequest',
        `The agent speaks protocol ${request.protocol}; the oldest served is ${OLDEST_PROTOCOL}.`,
      );
    }
    const { node, identity, control, bulk } = request;
    const until = this.credentials.expiry();
    const done = await store.nodes.enrol(digestOfBytes(request.secret), {
      node,
      identityKey: identity,
      identityKeyId: keyIdOf(identity),
      controlKey: control,
      bulkKey: bulk,
      credentialsUntil: until,
    });
    if (done.kind !== 'enrolled') throw refusedEnrolment(done.kind, node);
    // Before the node can ask for it. Where NATS is away the node asks again, and its token still answers it.
    await ensureNode(links.engine, { site: done.site, node });
    wakes.relay.wake();
    return sealDocument(ENROL, await this.replyTo(request, done.site, until), this.context.keys.signer);
  }

  private async replyTo(request: EnrolRequest, site: Name, until: Date): Promise<EnrolReply> {
    const { keys, config, store } = this.context;
    const { node, nonce, control, bulk } = request;
    return {
      v: 1,
      nonce,
      site,
      node,
      keySet: keys.set,
      nats: { urls: [...config.nats.advertisedUrls], ca: config.nats.ca },
      credentials: await this.credentials.mint({ site, node }, { control, bulk }, until),
      now: new Date(await store.network.now()).toISOString(),
    };
  }

  /** K3: for a node whose credentials expired while it was away. */
  async renew(frame: Uint8Array): Promise<Uint8Array> {
    const { store, keys } = this.context;
    const found = await store.db
      .selectFrom('nodes')
      .where('identity_key_id', '=', keyIdIn(frame))
      .select(['name', 'site', 'identity_key', 'revoked_at'])
      .executeTakeFirst();
    if (found === undefined) throw new Refusal('signatureInvalid', 'No node has the identity that sealed this.');
    const request = openSealed(RENEW, frame, [found.identity_key], RenewRequest);
    if (found.revoked_at !== null) throw revoked(found.name);
    return sealDocument(
      RENEW,
      await this.credentials.renew({ site: found.site, node: found.name }, request),
      keys.signer,
    );
  }

  /** K3: the network's time, over the asker's nonce. */
  async time(nonce: string): Promise<Uint8Array> {
    const now = new Date(await this.context.store.network.now()).toISOString();
    return sealDocument(TIME, { v: 1, nonce, now }, this.context.keys.signer);
  }
}

function refusedEnrolment(kind: 'tokenUnknown' | 'tokenExpired' | 'tokenUsed' | 'nodeExists', node: Name): Refusal {
  switch (kind) {
    case 'tokenUnknown':
      return new Refusal(kind, 'The enrolment token is not known here.');
    case 'tokenExpired':
      return new Refusal(kind, 'The enrolment token has expired.');
    case 'tokenUsed':
      return new Refusal(kind, 'The enrolment token was used already.');
    case 'nodeExists':
      return new Refusal(kind, `There is a node ${node} already.`);
  }
}
