import { Inject, Injectable } from '@nestjs/common';
import {
  Refusal,
  type ChangeClass,
  type CreateRelease,
  type Me,
  type Name,
  type Page,
  type PageQuery,
  type RecallEffect,
  type Release,
  type ReleaseRow,
  type ReleaseView,
  type SuiteDocument,
} from '@openward/contracts';
import { repositoriesOn, type Repositories } from '@openward/persistence';
import { classOfChange, misfitsOf, type Bound, type Change } from '@openward/policy';
import { command, judgeContext } from '@openward/rollout';
import { engineSettings } from '../delivery/engine-settings.ts';
import { once, type Creation } from '../http/idempotency.ts';
import { CONTEXT, type Context } from '../process/context.ts';
import { refuseRetired } from '../models/retired.ts';
import { storeDocument } from '../registry/documents.ts';
import { recallEffectOf } from './recall-effect.ts';

@Injectable()
export class ReleaseService {
  constructor(@Inject(CONTEXT) private readonly context: Context) {}

  /** What binds the same as a release that is there, and is not recalled, is that release: a script may ask again. */
  async create(
    asked: CreateRelease,
    creation: Creation,
  ): Promise<{ readonly release: ReleaseView; readonly isNew: boolean }> {
    let isNew = true;
    const release = await once(this.context.store, creation, async (repositories) => {
      const parts = await partsOf(asked, repositories);
      const same = await sameOf(asked, parts, repositories);
      isNew = same === null;
      if (same !== null) return same;
      const made = await repositories.releases.create(asked.service, creation.by.name, async (number, before) => {
        const change = classOfChange(before, parts);
        if (asked.change !== undefined) refuseOtherClass(asked.change, change, before);
        const document: Release = { v: 1, number, change: change.is, ...parts };
        return { document, artifact: await storeDocument(this.context.artifacts, parts.model.family, document) };
      });
      if (made === null) throw new Refusal('notFound', `There is no service ${asked.service}.`);
      return made;
    });
    return { release, isNew };
  }

  list({ service, ...query }: PageQuery & { readonly service: Name }): Promise<Page<ReleaseRow>> {
    return this.context.store.releases.list(service, query);
  }

  async get(service: Name, number: number): Promise<ReleaseView> {
    const release = await this.context.store.releases.find(service, number);
    if (release === null) throw new Refusal('notFound', `There is no release ${number} of ${service}.`);
    return release;
  }

  async recallEffect(service: Name, number: number): Promise<RecallEffect> {
    const { releases } = this.context.store;
    const { digest } = await this.get(service, number);
    return recallEffectOf(digest, await releases.servedBy(digest), await releases.recalled());
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

/** Everything but the number and the class. The suite is delivered in the model's family, to which its nodes have the right (D2). */
async function partsOf(asked: CreateRelease, repositories: Repositories): Promise<Bound> {
  const service = await repositories.services.find(asked.service);
  if (service === null) throw new Refusal('notFound', `There is no service ${asked.service}.`);
  const model = await repositories.models.find(asked.model.name, asked.model.version);
  if (model === null)
    throw new Refusal('notFound', `There is no model ${asked.model.name} version ${asked.model.version}.`);
  await refuseRetired(repositories, model);
  const policy = (await repositories.policies.find(asked.policy))?.document;
  if (policy === undefined)
    throw new Refusal('notFound', `There is no policy ${asked.policy.id} revision ${asked.policy.revision}.`);
  const suite = await repositories.suites.find(asked.suite.name, asked.suite.version);
  if (suite === null)
    throw new Refusal('notFound', `There is no suite ${asked.suite.name} version ${asked.suite.version}.`);
  if (suite.document.service !== asked.service) {
    throw new Refusal(
      'badRequest',
      `The suite ${asked.suite.name} is for ${suite.document.service}, not for ${asked.service}.`,
    );
  }
  refuseMisfit({ policy, service, model, parameters: asked.parameters });
  refuseTooLong({ policy, model }, suite.document);
  const { createdAt: _made, releases: _count, ...plainService } = service;
  const { createdAt: _since, retiredAt: _retired, ...plainModel } = model;
  return {
    service: plainService,
    model: plainModel,
    policy,
    parameters: asked.parameters,
    suite: { ...asked.suite, digest: suite.digest, artifact: { ...suite.artifact, family: model.family } },
  };
}

/** Null too where another class of change is asked for: that is judged as of a new release, and told. */
async function sameOf(asked: CreateRelease, parts: Bound, { releases }: Repositories): Promise<ReleaseView | null> {
  const there = await releases.binding(asked.service, asked);
  const same = there.find(({ release }) => classOfChange(release, parts).differs.length === 0);
  return same === undefined || (asked.change ?? same.release.change) !== same.release.change ? null : same;
}

/** Its evaluation could only end with `contextTooLong`, at every node. What may fit is for the plan to warn of. */
function refuseTooLong(bound: Pick<Release, 'model' | 'policy'>, suite: SuiteDocument): void {
  const fit = judgeContext(bound, suite);
  if (fit.kind !== 'cannotFit') return;
  const { id, revision } = bound.policy;
  throw new Refusal('badRequest', `policy: ${id} revision ${revision} is too long for this model: ${fit.detail}.`);
}

/** Every node refuses it too. */
function refuseMisfit(bound: Omit<Bound, 'suite'>): void {
  const findings = misfitsOf(bound);
  if (findings.length === 0) return;
  const { id, revision } = bound.policy;
  const said = findings.map(({ message }) => message).join(' ');
  throw new Refusal('badRequest', `policy: ${id} revision ${revision} is not for this release. ${said}`, {
    details: findings,
  });
}

function refuseOtherClass(declared: ChangeClass, change: Change, before: Release | null): void {
  if (declared === change.is) return;
  const against =
    before === null ? 'there is none before it' : `release ${before.number} has another ${change.differs.join(', ')}`;
  const why = before !== null && change.differs.length === 0 ? `it binds what release ${before.number} binds` : against;
  throw new Refusal('changeMismatch', `The change is ${change.is} and not ${declared}: ${why}.`, {
    details: { change: change.is, differs: change.differs, against: before?.number ?? null },
  });
}
