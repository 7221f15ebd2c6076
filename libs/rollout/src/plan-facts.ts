import type {
  ArtifactRef,
  ChangeClass,
  Digest,
  ErrorCode,
  Name,
  NodeClass,
  Release,
  RolloutId,
  SuiteDocument,
  Tier,
} from '@openward/contracts';

// What the control plane knows when it plans; loaded by it, judged by `plan()`.

/** A release that a node serves now, for any service, and what it takes of the runtime's memory. */
export interface LoadedModel {
  readonly service: Name;
  readonly release: Digest;
  readonly memoryBytes: number;
  readonly file: Digest;
  /** Where the model is an adapter: the file of its base. */
  readonly base: Digest | null;
}

/** From the node's newest state report. */
export interface ReportedNode {
  readonly class: NodeClass;
  readonly protocol: number;
  /** Of the plan's service. */
  readonly active: Digest | null;
  readonly lastGood: Digest | null;
  readonly halted: boolean;
  readonly pinned: boolean;
  /** The site has accepted this suite, and its data can never pass it. */
  readonly tooFewItems: boolean;
  /** Of all services, as the digests reported resolve to releases. */
  readonly loaded: readonly LoadedModel[];
  /**
   * By variant of the release that is planned: what it would be here, after the files that serve. Empty where nothing serves, and
   * where it is not known which files do.
   */
  readonly changes: Readonly<Record<string, ChangeClass>>;
}

export interface NodeFacts {
  readonly node: Name;
  readonly site: Name;
  readonly tier: Tier;
  /** Of the site, beside `site` and `tier`, which every site has. */
  readonly labels: Readonly<Record<string, string>>;
  readonly linkBytesPerSecond: number | null;
  readonly revoked: boolean;
  /** Null until the node has reported once. */
  readonly reported: ReportedNode | null;
  /** Files that the node is known to hold. */
  readonly files: readonly Digest[];
}

/** A node that a live rollout of the service holds (R5). */
export interface LiveNode {
  readonly node: Name;
  readonly rollout: RolloutId;
  /** False while it takes the node back: that ends first. */
  readonly canSupersede: boolean;
}

export interface PlanFacts {
  readonly release: { readonly digest: Digest; readonly document: Release; readonly artifact: ArtifactRef };
  readonly suite: SuiteDocument;
  readonly recalled: readonly Digest[];
  readonly nodes: readonly NodeFacts[];
  readonly live: readonly LiveNode[];
  readonly oldestProtocol: number;
  /** Milliseconds since 1970, by the database's clock (T1). */
  readonly now: number;
}

/** An expected refusal: its code is one of the product's list. */
export interface PlanRefusal {
  readonly kind: 'refused';
  readonly code: Extract<
    ErrorCode,
    'noSitesSelected' | 'planBlocked' | 'releaseRecalled' | 'badRequest' | 'planStale' | 'rolloutLive' | 'readOnly'
  >;
  readonly why: string;
  readonly details: readonly string[];
}

export const refusePlan = (code: PlanRefusal['code'], why: string, details: readonly string[] = []): PlanRefusal => ({
  kind: 'refused',
  code,
  why,
  details,
});
