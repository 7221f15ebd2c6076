import { Inject, Injectable } from '@nestjs/common';
import { Refusal, type Name, type Page, type PageQuery, type Service, type ServiceView } from '@openward/contracts';
import { once, type Creation } from '../http/idempotency.ts';
import { CONTEXT, type Context } from '../process/context.ts';

@Injectable()
export class ServiceService {
  constructor(@Inject(CONTEXT) private readonly context: Context) {}

  create(service: Service, creation: Creation): Promise<ServiceView> {
    return once(this.context.store, creation, async ({ services }) => {
      if (!(await services.create(service, creation.by.name))) {
        throw new Refusal('conflict', `There is a service ${service.name} already.`);
      }
      const made = await services.find(service.name);
      if (made === null) throw new Error(`the service ${service.name} was made and is not there`);
      return made;
    });
  }

  list(query: PageQuery): Promise<Page<ServiceView>> {
    return this.context.store.services.list(query);
  }

  async get(name: Name): Promise<ServiceView> {
    const service = await this.context.store.services.find(name);
    if (service === null) throw new Refusal('notFound', `There is no service ${name}.`);
    return service;
  }
}
