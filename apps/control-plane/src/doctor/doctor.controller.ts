import { X509Certificate } from 'node:crypto';
import { Controller, Get, Inject } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { DoctorView, PROTOCOL, type NodeView, type RolloutView } from '@openward/contracts';
import { judgeServer } from '@openward/messaging';
import { viewOf } from '@openward/rollout';
import { Route } from '../http/route.ts';
import { CONTEXT, type Context } from '../process/context.ts';
import { clock } from '../process/ports.ts';
import { RefusedReports } from '../reports/refused-reports.ts';
import { findings } from './findings.ts';

/** How long, and of how many, an end that nobody followed up is told. */
const LATELY_MS = 7 * 86_400_000;
const MOST_ENDED = 20;

@ApiTags('doctor')
@Controller('api/v1/doctor')
export class DoctorController {
  constructor(
    @Inject(CONTEXT) private readonly context: Context,
    @Inject(RefusedReports) private readonly refused: RefusedReports,
  ) {}

  @Get()
  @Route({
    does: 'What waits or is wrong, since when, and who can clear it',
    right: 'doctor:read',
    answers: DoctorView,
  })
  async look(): Promise<DoctorView> {
    const { store, links, config, artifacts, version } = this.context;
    const { listener, mutualTls, allowUnsafeVersion, durability } = config.nats;
    const serverVersion = links.engine.nc.info?.version ?? links.engine.serverVersion;
    const network = await store.network.read();
    const found = findings({
      now: await store.network.now(),
      network,
      ahead: await store.network.ahead(),
      links: [links.engine, links.rpc, links.sys].map(({ role, isConnected }) => ({ role, isConnected })),
      server: {
        version: serverVersion,
        judged: judgeServer(serverVersion, { listener, mutualTls, allowUnsafeVersion, durability }),
      },
      policies: await store.policies.ending(),
      outbox: await store.network.outboxLag(),
      artifacts: await artifacts.usage(),
      refused: this.refused.lately(clock.wall()),
      nodes: await this.nodes(),
      ...(await this.rollouts()),
      certificateUntil: config.http.tls === null ? null : Date.parse(new X509Certificate(config.http.tls.cert).validTo),
    });
    return { version, protocol: PROTOCOL, epoch: network.epoch, findings: found };
  }

  private async nodes(): Promise<NodeView[]> {
    const all: NodeView[] = [];
    let after: string | undefined;
    do {
      const page = await this.context.store.nodes.list({ limit: 200, ...(after === undefined ? {} : { after }) });
      all.push(...page.items);
      after = page.next ?? undefined;
    } while (after !== undefined);
    return all;
  }

  private async rollouts(): Promise<{ readonly rollouts: RolloutView[]; readonly ended: RolloutView[] }> {
    const { store } = this.context;
    const open = await store.rollouts.list({ limit: 200 }, { open: true });
    const ended = await store.rollouts.list({ limit: MOST_ENDED }, { ended: true });
    const outOfReach = await store.nodeLinks.outOfReach();
    const viewed = (page: typeof open): RolloutView[] =>
      page.items.map(({ state, version, now }) => viewOf(state, version, now, outOfReach));
    const since = new Date((await store.network.now()) - LATELY_MS).toISOString();
    return {
      rollouts: viewed(open),
      ended: viewed(ended).filter(({ endedAt }) => endedAt !== null && endedAt > since),
    };
  }
}
