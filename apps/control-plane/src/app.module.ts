import { Module, type DynamicModule, type Provider, type Type } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { AccessController } from './access/access.controller.ts';
import { AccessService } from './access/access.service.ts';
import { AuditController } from './audit/audit.controller.ts';
import { ChunkController } from './chunks/chunk.controller.ts';
import { ChunkPublisher } from './delivery/chunk-publisher.ts';
import { Loops } from './delivery/loops.ts';
import { Provisioner } from './delivery/provisioner.ts';
import { DoctorController } from './doctor/doctor.controller.ts';
import { CredentialService } from './enrol/credential.service.ts';
import { EnrolController } from './enrol/enrol.controller.ts';
import { EnrolService } from './enrol/enrol.service.ts';
import { EventController } from './events/event.controller.ts';
import { HealthController } from './health/health.controller.ts';
import { AuthGuard } from './http/auth.guard.ts';
import { checkedInput } from './http/checked.ts';
import { RefusalFilter } from './http/refusal.filter.ts';
import { KeySetController } from './keys/key-set.controller.ts';
import { ModelController } from './models/model.controller.ts';
import { ModelService } from './models/model.service.ts';
import { NetworkController } from './network/network.controller.ts';
import { NodeController } from './nodes/node.controller.ts';
import { NodeService } from './nodes/node.service.ts';
import { CONTEXT, type Context } from './process/context.ts';
import { Metrics } from './process/metrics.ts';
import { Commits } from './reports/commits.ts';
import { RefusedReports } from './reports/refused-reports.ts';
import { PolicyController } from './policies/policy.controller.ts';
import { PolicyService } from './policies/policy.service.ts';
import { ReleaseController } from './releases/release.controller.ts';
import { ReleaseService } from './releases/release.service.ts';
import { ReportController } from './reports/report.controller.ts';
import { ReportService } from './reports/report.service.ts';
import { PlanService } from './rollouts/plan.service.ts';
import { RolloutController } from './rollouts/rollout.controller.ts';
import { RolloutService } from './rollouts/rollout.service.ts';
import { NodeIdentity } from './rpc/node-identity.ts';
import { RpcController } from './rpc/rpc.controller.ts';
import { RpcService } from './rpc/rpc.service.ts';
import { ServiceController } from './services/service.controller.ts';
import { ServiceService } from './services/service.service.ts';
import { SiteController } from './sites/site.controller.ts';
import { SiteService } from './sites/site.service.ts';
import { SuiteController } from './suites/suite.controller.ts';
import { SuiteService } from './suites/suite.service.ts';

export const CONTROLLERS: readonly Type[] = [
  AccessController,
  SiteController,
  NodeController,
  ServiceController,
  ChunkController,
  ModelController,
  SuiteController,
  PolicyController,
  ReleaseController,
  RolloutController,
  AuditController,
  DoctorController,
  NetworkController,
  EventController,
  EnrolController,
  KeySetController,
  HealthController,
  RpcController,
  ReportController,
];

const PROVIDERS: readonly Provider[] = [
  AccessService,
  SiteService,
  NodeService,
  ServiceService,
  ModelService,
  SuiteService,
  PolicyService,
  ReleaseService,
  PlanService,
  RolloutService,
  CredentialService,
  EnrolService,
  NodeIdentity,
  RpcService,
  ReportService,
  Commits,
  RefusedReports,
  Metrics,
  ChunkPublisher,
  Provisioner,
  Loops,
  { provide: APP_GUARD, useClass: AuthGuard },
  { provide: APP_FILTER, useClass: RefusalFilter },
  { provide: APP_PIPE, useFactory: checkedInput },
];

/** The one Nest module of the process, over what `boot.ts` has connected. */
@Module({})
export class AppModule {
  static over(context: Context): DynamicModule {
    return {
      module: AppModule,
      controllers: [...CONTROLLERS],
      providers: [{ provide: CONTEXT, useValue: context }, ...PROVIDERS],
    };
  }
}
