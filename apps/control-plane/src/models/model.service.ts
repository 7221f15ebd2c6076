import { Inject, Injectable } from '@nestjs/common';
import {
  Refusal,
  type Me,
  type ModelVariant,
  type ModelView,
  type Name,
  type Page,
  type PageQuery,
  type RegisterVariant,
  type Version,
} from '@openward/contracts';
import { readGguf, readLayout, refOf, storedFile, verifyStored, type Gguf } from '@openward/distribution';
import type { ModelHead, ModelUse } from '@openward/persistence';
import { once, type Creation } from '../http/idempotency.ts';
import { CONTEXT, type Context } from '../process/context.ts';
import { adapterMisfit } from './adapter-fit.ts';
import { retired } from './retired.ts';

@Injectable()
export class ModelService {
  constructor(@Inject(CONTEXT) private readonly context: Context) {}

  /** D1: nobody is believed; file, header and chunks are read again from the store before the version is. */
  async register(name: Name, version: Version, asked: RegisterVariant, creation: Creation): Promise<ModelView> {
    const { artifacts, store } = this.context;
    if ((asked.kind === 'adapter') !== (asked.base !== undefined)) {
      throw new Refusal('badRequest', 'An adapter names the base that it was trained on, and a base names none.');
    }
    const base = asked.base === undefined ? null : await this.baseOf(asked.base, asked);
    const family = base?.model.family ?? name;
    const layout = await readLayout(asked.manifest, (digest) => artifacts.get(digest));
    if ('missing' in layout) {
      throw new Refusal('chunkMissing', 'The store lacks a piece of this artifact.', {
        details: { missing: [layout.missing] },
      });
    }
    const artifact = refOf(layout, family);
    const { gguf } = await verifyStored(artifacts, artifact);
    if (gguf === undefined) throw new Refusal('notGguf', 'The manifest is of a document, and a model is a GGUF.');
    refuseMisfit(asked, gguf, base === null ? null : await this.headerOf(base.variant));
    const head: ModelHead = {
      name,
      version,
      family,
      kind: asked.kind,
      ...(asked.base === undefined ? {} : { base: asked.base }),
      template: asked.template,
      contextLength: asked.contextLength,
      trainingStatement: asked.trainingStatement,
    };
    const { variant, needs } = asked;
    const made: ModelVariant = { variant, artifact, ...(base === null ? {} : { base: base.variant.artifact }), needs };
    return once(store, creation, async ({ models }) => {
      const done = await models.register(head, made, creation.by.name);
      switch (done.kind) {
        case 'registered':
        case 'same':
          return done.model;
        case 'versionExists': {
          const what = `${name} ${version} is there already, and differs in: ${done.differs.join(', ')}.`;
          throw new Refusal('versionExists', what, { details: { differs: done.differs } });
        }
        case 'modelRetired':
          throw retired(done);
        case 'tooManyVariants':
          throw new Refusal('badRequest', `${name} ${version} has as many variants as a version may have.`);
      }
    });
  }

  /** For good: a version that was retired is pushed again under another one. */
  async retire(name: Name, version: Version, by: Me, reason: string): Promise<ModelView> {
    const done = await this.context.store.models.retire(name, version, { by: by.name, reason });
    switch (done.kind) {
      case 'retired':
        return done.model;
      case 'unknown':
        throw new Refusal('notFound', `There is no model ${name} version ${version}.`);
      case 'before':
        throw new Refusal('modelRetired', `${name} version ${version} was retired at ${done.at}.`);
      case 'inUse': {
        const lines = done.uses.map(useText);
        const more = lines.length > MOST_NAMED ? ` and ${lines.length - MOST_NAMED} more` : '';
        const what = `${name} version ${version} is in use: ${lines.slice(0, MOST_NAMED).join('; ')}${more}.`;
        throw new Refusal('modelInUse', what, { details: { uses: done.uses } });
      }
    }
  }

  list({ name, ...query }: PageQuery & { readonly name?: Name | undefined }): Promise<Page<ModelView>> {
    return this.context.store.models.list(query, name === undefined ? {} : { name });
  }

  async get(name: Name, version: Version): Promise<ModelView> {
    const model = await this.context.store.models.find(name, version);
    if (model === null) throw new Refusal('notFound', `There is no model ${name} version ${version}.`);
    return model;
  }

  /** The base's variant under an adapter's: the one that is named, else the one of the same name, else the first. */
  private async baseOf(
    named: { readonly name: Name; readonly version: Version },
    asked: RegisterVariant,
  ): Promise<{ readonly model: ModelView; readonly variant: ModelVariant }> {
    const model = await this.context.store.models.find(named.name, named.version);
    if (model === null) {
      throw new Refusal('baseMismatch', `There is no model ${named.name} version ${named.version} to be the base.`);
    }
    if (model.kind !== 'base')
      throw new Refusal('baseMismatch', `${named.name} ${named.version} is an adapter itself.`);
    const wanted = asked.baseVariant ?? asked.variant;
    const variant =
      model.variants.find((it) => it.variant === wanted) ??
      (asked.baseVariant === undefined ? model.variants[0] : undefined);
    if (variant === undefined)
      throw new Refusal('baseMismatch', `${named.name} ${named.version} has no variant ${wanted}.`);
    return { model, variant };
  }

  private async headerOf({ artifact }: ModelVariant): Promise<Gguf> {
    const { artifacts } = this.context;
    const layout = await readLayout(artifact.manifest, (digest) => artifacts.get(digest));
    if ('missing' in layout) {
      throw new Refusal('chunkMissing', 'The store lacks a piece of the base.', {
        details: { missing: [layout.missing] },
      });
    }
    return readGguf(storedFile(artifacts, layout));
  }
}

const MOST_NAMED = 10;
const useText = ({ kind, name, service, number }: ModelUse): string =>
  kind === 'rollout'
    ? `rollout ${name} of ${service} release ${number}`
    : `node ${name} has ${service} release ${number}`;

function refuseMisfit(asked: RegisterVariant, gguf: Gguf, base: Gguf | null): void {
  const isAdapter = gguf.metadata.type === 'adapter';
  if (isAdapter && base === null) throw new Refusal('baseMismatch', 'The file is an adapter, and no base was named.');
  if (base !== null) {
    const why = isAdapter ? adapterMisfit(gguf, base) : 'the file is a whole model';
    if (why !== null) throw new Refusal('baseMismatch', `The adapter does not fit its base: ${why}.`);
  }
  const most = (base ?? gguf).metadata.contextLength;
  if (most !== undefined && asked.contextLength > most) {
    throw new Refusal(
      'badRequest',
      `contextLength: the model was made for ${most} tokens, and ${asked.contextLength} were given.`,
    );
  }
}
