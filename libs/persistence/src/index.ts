export {
  type AccessTokenView,
  AccessTokenRepository,
  type NewAccessToken,
} from './postgres/access-tokens.repository.ts';
export { ArtifactRepository } from './postgres/artifacts.repository.ts';
export { type AuditRecord, AuditRepository } from './postgres/audit.repository.ts';
export { type Database, type DatabaseOptions, inTransaction, openDatabase } from './postgres/database.ts';
export type { Enrolled, Enrolment } from './postgres/enrol.ts';
export { IdempotencyRepository, type Once } from './postgres/idempotency.repository.ts';
export { listen, type ListenOptions } from './postgres/listen.ts';
export { migrate, type Migrated } from './postgres/migrator.ts';
export type { ModelUse } from './postgres/model-uses.ts';
export { type ModelHead, ModelRepository, type Registered, type Retired } from './postgres/models.repository.ts';
export type { NodeAhead } from './postgres/ahead.ts';
export { NetworkRepository, type NetworkState } from './postgres/network.repository.ts';
export { type LinksSeen, LINKS_KNOWN_FOR_MS, NodeLinkRepository } from './postgres/node-links.repository.ts';
export { type NodeRecord, NodeRepository, type RevokedKey } from './postgres/nodes.repository.ts';
export { EVENTS_CHANNEL, notify } from './postgres/notify.ts';
export { openPersistence, type Persistence, type Repositories, repositoriesOn } from './postgres/persistence.ts';
export { type EndingPolicy, type PolicyCreated, PolicyRepository } from './postgres/policies.repository.ts';
export {
  type BuildRelease,
  ReleaseRepository,
  type Serving,
  type SettleRollouts,
} from './postgres/releases.repository.ts';
export { RolloutRepository, type StoredEvidence, type StoredRollout } from './postgres/rollouts.repository.ts';
export type { Schema } from './postgres/schema.ts';
export { ServiceRepository } from './postgres/services.repository.ts';
export { type NewSite, SiteRepository } from './postgres/sites.repository.ts';
export { type StoredSuite, type SuiteCreated, SuiteRepository } from './postgres/suites.repository.ts';
export { type NewToken, TokenRepository } from './postgres/tokens.repository.ts';
