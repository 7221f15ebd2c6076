import { Inject, Injectable } from '@nestjs/common';
import {
  Refusal,
  type CreateRelease,
  type Me,
  type Name,
  type Page,
  type PageQuery,
  type Release,
  type ReleaseView,
} from '@openward/contracts';
import { repositoriesOn, type Repositories } from '@openward/persistence';
import { command } from '@openward/rollout';
import { engineSettings } from '../delivery/engine-settings.ts';
import { once, type Creation } from '../http/idempotency.ts';
import { CONTEXT, type Context } from '../process/context.ts';
import { storeDocument } from '../registry/documents.ts';

@Injectable()
export class ReleaseService {
  constructor(@Inject(CONTEXT) private readonly context: Context) {}

  create(asked: CreateRelease, creation: Creation): Promise<ReleaseView> {
    return once(this.context.store, creation, async (repositories) => {
      const parts = await partsOf(asked, repositories);
      const made = await repositories.releases.create(asked.service, creation.by.name, async (number) => {
        const document: Release = { v: 1, number, ...parts };
        return { document, artifact: await storeDocument(this.context.artifacts, parts.model.family, document) };
      });
      if (made === null) throw new Refusal('notFound', `There is no service ${asked.service}.`);
      return made;
    });
  }

  list({ service, ...query }: PageQuery & { readonly service: Name }): Promise<Page<ReleaseView>> {
    return this.context.store.releases.list(service, query);
  }

  async get(service: Name, number: number): Promise<ReleaseView> {
    const release = await this.context.store.releases.find(service, number);
    if (release === null) throw new Refusal('notFound', `There is no release ${number} of ${service}.`);
    return release;
  }

  /** One transaction: from its commit on no open rollout permits the release, and every node's desired state names it (R4). */
  async recall(service: Name, number: number, by: Me, reason: string): Promise<ReleaseView> {
    const { store, config, wakes } = this.context;
    const { digest } = await this.get(service, number);
    const recalled = await store.releases.recall(digest, { by: by.name, reason }, async (trx, open) => {
      const { rolloutStore } = repositoriesOn(trx);
      for (const id of open) {
        const done = await command(rolloutStore, id, { kind: 'recall', by: by.name, reason }, engineSettings(config));
        if (done.kind === 'done') continue;
        throw new Refusal('rolloutRefused', `${id} could not be told of the recall: ${done.why}.`);
      }
    });
    if (recalled === null) throw new Refusal('notFound', `There is no release ${number} of ${service}.`);
    wakes.relay.wake();
    wakes.ticks.wake();
    return recalled;
  }
}

/** Everything but the number. The suite is delivered in the model's family, to which its nodes have the right (D2). */
async function partsOf(asked: CreateRelease, repositories: Repositories): Promise<Omit<Release, 'v' | 'number'>> {
  const service = await repositories.services.find(asked.service);
  if (service === null) throw new Refusal('notFound', `There is no service ${asked.service}.`);
  const model = await repositories.models.find(asked.model.name, asked.model.version);
  if (model === null)
    throw new Refusal('notFound', `There is no model ${asked.model.name} version ${asked.model.version}.`);
  const suite = await repositories.suites.find(asked.suite.name, asked.suite.version);
  if (suite === null)
    throw new Refusal('notFound', `There is no suite ${asked.suite.name} version ${asked.suite.version}.`);
  if (suite.document.service !== asked.service) {
    throw new Refusal(
      'badRequest',
      `The suite ${asked.suite.name} is for ${suite.document.service}, not for ${asked.service}.`,
    );
  }
  if (asked.change === 'adapter' && model.kind !== 'adapter') {
    throw new Refusal('badRequest', `change: ${model.name} ${model.version} is a base and not an adapter.`);
  }
  const { createdAt: _made, releases: _count, ...plainService } = service;
  const { createdAt: _since, ...plainModel } = model;
  return {
    service: plainService,
    change: asked.change,
    model: plainModel,
    policy: asked.policy,
    parameters: asked.parameters,
    suite: { ...asked.suite, digest: suite.digest, artifact: { ...suite.artifact, family: model.family } },
  };
}
