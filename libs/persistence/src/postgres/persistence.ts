import type { Digest, Name } from '@openward/contracts';
import type { OutboxStore, PlanFacts, ReportStore, RolloutStore } from '@openward/rollout';
import { AccessTokenRepository } from './access-tokens.repository.ts';
import { ArtifactRepository } from './artifacts.repository.ts';
import { AuditRepository } from './audit.repository.ts';
import { inTransaction, openDatabase, type Database, type DatabaseOptions } from './database.ts';
import { IdempotencyRepository } from './idempotency.repository.ts';
import { ModelRepository } from './models.repository.ts';
import { NetworkRepository } from './network.repository.ts';
import { NodeLinkRepository } from './node-links.repository.ts';
import { NodeRepository } from './nodes.repository.ts';
import { postgresOutbox } from './outbox-store.ts';
import { readPlanFacts } from './plan-facts.ts';
import { PolicyRepository } from './policies.repository.ts';
import { ReleaseRepository } from './releases.repository.ts';
import { readRemovalMarks } from './removal-marks.ts';
import { postgresReports } from './report-store.ts';
import { postgresRollouts } from './rollout-store.ts';
import { RolloutRepository } from './rollouts.repository.ts';
import { ServiceRepository } from './services.repository.ts';
import { SiteRepository } from './sites.repository.ts';
import { SuiteRepository } from './suites.repository.ts';
import { TokenRepository } from './tokens.repository.ts';

/** Everything over one database, or over one transaction of it: then all that is called is part of that transaction. */
export interface Repositories {
  /** The ports of `@openward/rollout`. */
  readonly rolloutStore: RolloutStore;
  readonly outbox: OutboxStore;
  readonly reports: ReportStore;

  readonly sites: SiteRepository;
  readonly nodes: NodeRepository;
  readonly nodeLinks: NodeLinkRepository;
  readonly tokens: TokenRepository;
  readonly accessTokens: AccessTokenRepository;
  readonly services: ServiceRepository;
  readonly artifacts: ArtifactRepository;
  readonly models: ModelRepository;
  readonly suites: SuiteRepository;
  readonly policies: PolicyRepository;
  readonly releases: ReleaseRepository;
  readonly rollouts: RolloutRepository;
  readonly audit: AuditRepository;
  readonly idempotency: IdempotencyRepository;
  readonly network: NetworkRepository;

  readonly planFacts: (service: Name, release: number) => Promise<PlanFacts | null>;
  readonly removalMarks: () => Promise<readonly Digest[]>;
}

export const repositoriesOn = (db: Database): Repositories => ({
  rolloutStore: postgresRollouts(db),
  outbox: postgresOutbox(db),
  reports: postgresReports(db),
  sites: new SiteRepository(db),
  nodes: new NodeRepository(db),
  nodeLinks: new NodeLinkRepository(db),
  tokens: new TokenRepository(db),
  accessTokens: new AccessTokenRepository(db),
  services: new ServiceRepository(db),
  artifacts: new ArtifactRepository(db),
  models: new ModelRepository(db),
  suites: new SuiteRepository(db),
  policies: new PolicyRepository(db),
  releases: new ReleaseRepository(db),
  rollouts: new RolloutRepository(db),
  audit: new AuditRepository(db),
  idempotency: new IdempotencyRepository(db),
  network: new NetworkRepository(db),
  planFacts: (service, release) => readPlanFacts(db, service, release),
  removalMarks: () => readRemovalMarks(db),
});

export interface Persistence extends Repositories {
  readonly db: Database;
  /** One transaction over several repositories. `work` may run more than once (`inTransaction`). */
  readonly transaction: <R>(work: (repositories: Repositories) => Promise<R>) => Promise<R>;
  /** Waits for what runs, then closes every connection. */
  readonly close: () => Promise<void>;
}

/** The database must have been migrated (`migrate`). */
export function openPersistence(options: DatabaseOptions): Persistence {
  const db = openDatabase(options);
  return {
    ...repositoriesOn(db),
    db,
    transaction: (work) => inTransaction(db, (trx) => work(repositoriesOn(trx))),
    close: () => db.destroy(),
  };
}
