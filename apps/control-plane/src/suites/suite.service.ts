import { Inject, Injectable } from '@nestjs/common';
import {
  digestOf,
  Refusal,
  type Name,
  type Page,
  type PageQuery,
  type SuiteDocument,
  type SuiteView,
} from '@openward/contracts';
import type { StoredSuite } from '@openward/persistence';
import { once, type Creation } from '../http/idempotency.ts';
import { CONTEXT, type Context } from '../process/context.ts';
import { storeDocument } from '../registry/documents.ts';

@Injectable()
export class SuiteService {
  constructor(@Inject(CONTEXT) private readonly context: Context) {}

  async create(document: SuiteDocument, creation: Creation): Promise<SuiteView> {
    const { artifacts, store } = this.context;
    // Nodes read it in the family of a release's model, since rights go by family: this one is where it is kept (D2).
    const artifact = await storeDocument(artifacts, document.service, document);
    return once(store, creation, async ({ suites }) => {
      const done = await suites.create({ digest: digestOf(document), artifact, document }, creation.by.name);
      switch (done.kind) {
        case 'created':
        case 'same':
          return done.suite;
        case 'versionExists':
          throw new Refusal(
            'versionExists',
            `The suite ${document.name} version ${document.version} is there already, and differs.`,
          );
        case 'unknownService':
          throw new Refusal('notFound', `There is no service ${document.service}.`);
      }
    });
  }

  list({ service, ...query }: PageQuery & { readonly service?: Name | undefined }): Promise<Page<SuiteView>> {
    return this.context.store.suites.list(query, service === undefined ? {} : { service });
  }

  async get(name: Name, version: number): Promise<StoredSuite> {
    const suite = await this.context.store.suites.find(name, version);
    if (suite === null) throw new Refusal('notFound', `There is no suite ${name} version ${version}.`);
    return suite;
  }
}
