import { Inject, Injectable } from '@nestjs/common';
import { Refusal, type Me, type Name, type NodeView, type Page, type PageQuery } from '@openward/contracts';
import { removeNode } from '@openward/messaging';
import { Provisioner } from '../delivery/provisioner.ts';
import { CONTEXT, type Context } from '../process/context.ts';

@Injectable()
export class NodeService {
  constructor(
    @Inject(CONTEXT) private readonly context: Context,
    @Inject(Provisioner) private readonly provisioner: Provisioner,
  ) {}

  list({ site, ...query }: PageQuery & { readonly site?: Name | undefined }): Promise<Page<NodeView>> {
    return this.context.store.nodes.list(query, site === undefined ? {} : { site });
  }

  async get(name: Name): Promise<NodeView> {
    const node = await this.context.store.nodes.view(name);
    if (node === null) throw new Refusal('notFound', `There is no node ${name}.`);
    return node;
  }

  /** Committed first: from then on its reports are refused here, whatever NATS does. Then its connections are cut. */
  async revoke(name: Name, by: Me, reason: string): Promise<NodeView> {
    const { store, links, log } = this.context;
    const { site } = await this.get(name);
    if (!(await store.nodes.revoke(name, by.name, reason))) {
      throw new Refusal('conflict', `The node ${name} was revoked before.`);
    }
    try {
      await this.provisioner.pushClaims();
      await removeNode(links.engine, { site, node: name });
    } catch (error) {
      log.error('a revoked node is not cut off yet', { node: name, error });
      this.provisioner.again();
    }
    return this.get(name);
  }
}
