import { Inject, Injectable } from '@nestjs/common';
import {
  digestOfBytes,
  Refusal,
  type CreateAccessToken,
  type CreatedAccessToken,
  type Me,
  type Name,
  type Page,
  type PageQuery,
} from '@openward/contracts';
import type { AccessTokenView } from '@openward/persistence';
import type { z } from 'zod';
import { once, type Creation } from '../http/idempotency.ts';
import { secretOf } from '../http/secrets.ts';
import { CONTEXT, type Context } from '../process/context.ts';
import { randomName } from '../process/ports.ts';

const DAY = 86_400_000;

@Injectable()
export class AccessService {
  constructor(@Inject(CONTEXT) private readonly context: Context) {}

  async create(
    asked: z.output<typeof CreateAccessToken>,
    creation: Creation,
  ): Promise<z.output<typeof CreatedAccessToken>> {
    const { store, keys } = this.context;
    const { name, role, lifetimeDays } = asked;
    const tokenOf = (salt: string): string => `owa_${secretOf(keys, 'access', salt)}`;
    const { salt, expiresAt } = await once(store, creation, async ({ accessTokens }) => {
      const drawn = randomName(26);
      const digest = digestOfBytes(tokenOf(drawn));
      const made = await accessTokens.create({ name, role, digest, lifetimeMs: lifetimeDays * DAY }, creation.by.name);
      if (made === null) throw new Refusal('conflict', `There is an access token ${name} already.`);
      return { salt: drawn, expiresAt: made.expiresAt };
    });
    return { name, role, token: tokenOf(salt), expiresAt };
  }

  list(query: PageQuery): Promise<Page<AccessTokenView>> {
    return this.context.store.accessTokens.list(query);
  }

  async revoke(name: Name, by: Me): Promise<void> {
    const isDone = await this.context.store.accessTokens.revoke(name, by.name);
    if (!isDone) throw new Refusal('notFound', `There is no access token ${name} that could be revoked.`);
  }
}
