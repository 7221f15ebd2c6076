import { Inject, Injectable } from '@nestjs/common';
import {
  digestOfBytes,
  encodeEnrolmentToken,
  Refusal,
  type CreatedToken,
  type Name,
  type Page,
  type PageQuery,
  type SiteView,
  type TokenView,
} from '@openward/contracts';
import type { NewSite } from '@openward/persistence';
import { certificateDigest } from '@openward/trust';
import { once, type Creation } from '../http/idempotency.ts';
import { secretOf } from '../http/secrets.ts';
import { CONTEXT, type Context } from '../process/context.ts';
import { randomName } from '../process/ports.ts';

/** Of a network on plain loopback, where there is no authority to pin. */
const NO_AUTHORITY = `sha256:${'0'.repeat(64)}` as const;

@Injectable()
export class SiteService {
  constructor(@Inject(CONTEXT) private readonly context: Context) {}

  create(site: NewSite, creation: Creation): Promise<SiteView> {
    return once(this.context.store, creation, async ({ sites }) => {
      if (!(await sites.create(site, creation.by.name)))
        throw new Refusal('conflict', `There is a site ${site.name} already.`);
      const made = await sites.find(site.name);
      if (made === null) throw new Error(`the site ${site.name} was made and is not there`);
      return made;
    });
  }

  list(query: PageQuery): Promise<Page<SiteView>> {
    return this.context.store.sites.list(query);
  }

  async get(name: Name): Promise<SiteView> {
    const site = await this.context.store.sites.find(name);
    if (site === null) throw new Refusal('notFound', `There is no site ${name}.`);
    return site;
  }

  /** K2. What is stored names the token and not its secret, which follows from the network's key. */
  async createToken(site: Name, lifetimeMinutes: number, creation: Creation): Promise<CreatedToken> {
    const { store, keys, config, address } = this.context;
    const stored = await once(store, creation, async ({ tokens }) => {
      const id = `et-${randomName(16)}`;
      const digest = digestOfBytes(secretOf(keys, 'enrolment', id));
      const made = await tokens.create({ id, site, digest, lifetimeMs: lifetimeMinutes * 60_000 }, creation.by.name);
      if (made === null) throw new Refusal('notFound', `There is no site ${site}.`);
      return { id, expiresAt: made.expiresAt };
    });
    const ca = config.http.ca === null ? NO_AUTHORITY : certificateDigest(config.http.ca);
    const secret = secretOf(keys, 'enrolment', stored.id);
    return { ...stored, token: encodeEnrolmentToken({ url: address.url, ca, keySet: keys.digest, secret }) };
  }

  async listTokens(site: Name, query: PageQuery): Promise<Page<TokenView>> {
    await this.get(site);
    return this.context.store.tokens.list(site, query);
  }
}
