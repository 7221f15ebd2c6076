import { Body, Controller, Get, Inject, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Me, Name, NodeView, page, PageQuery, Reason } from '@openward/contracts';
import { Caller } from '../http/caller.ts';
import { Route } from '../http/route.ts';
import { NodeService } from './node.service.ts';

const NodesQuery = PageQuery.extend({ site: Name.optional() });

@ApiTags('nodes')
@Controller('api/v1/nodes')
export class NodeController {
  constructor(@Inject(NodeService) private readonly nodes: NodeService) {}

  @Get()
  @Route({ does: 'List nodes, by name', right: 'nodes:read', answers: page(NodeView) })
  list(@Query({ schema: NodesQuery }) query: PageQuery & { site?: string | undefined }) {
    return this.nodes.list(query);
  }

  @Get(':node')
  @Route({ does: 'Show a node as it last reported', right: 'nodes:read', answers: NodeView })
  get(@Param('node', { schema: Name }) node: string): Promise<NodeView> {
    return this.nodes.get(node);
  }

  @Post(':node/revoke')
  @Route({ does: 'Cut a node off: its keys are let in nowhere any more', right: 'nodes:write', answers: NodeView })
  revoke(
    @Param('node', { schema: Name }) node: string,
    @Body({ schema: Reason }) body: Reason,
    @Caller() caller: Me,
  ): Promise<NodeView> {
    return this.nodes.revoke(node, caller, body.reason);
  }
}
