import {
  AccessTokenView,
  API,
  AuditEntry,
  ChunksMissingReply,
  ChunkStored,
  CreatedAccessToken,
  CreatedToken,
  DoctorView,
  Epoch,
  IDEMPOTENCY_HEADER,
  Me,
  ModelView,
  NodeView,
  page,
  Plan,
  PolicyDiffView,
  PolicyView,
  RecallEffect,
  ReleaseRow,
  ReleaseView,
  RolloutEvidence,
  RolloutRow,
  RolloutView,
  ServiceView,
  SiteView,
  SuiteView,
  TokenView,
  WholePolicy,
  WholeSuite,
  type CreateAccessToken,
  type CreateRelease,
  type CreateSite,
  type CreateToken,
  type Digest,
  type LiveEvent,
  type Name,
  type Page,
  type PlanRequest,
  type PromptPolicy,
  type RegisterVariant,
  type RolloutId,
  type Service,
  type StartRequest,
  type SuiteDocument,
  type Version,
} from '@openward/contracts';
import { z } from 'zod';
import { Unreachable } from './errors.ts';
import { watchEvents, type WatchEvents } from './events.ts';
import type { Listing } from './pages.ts';
import {
  pushArtifact,
  pushModel,
  pushSuite,
  type Artifact,
  type PushArtifact,
  type PushedModel,
  type PushModel,
} from './push.ts';
import { createTransport, type Call, type Transport } from './transport.ts';
import { watchRollout, type WatchRollout } from './watch-rollout.ts';

export interface ClientOptions {
  /** Of the control plane, without `/api/v1`. */
  readonly url: string;
  readonly token: string;
  /** PEM of the network's own certificate authority; then no other is trusted. */
  readonly ca?: string | undefined;
  readonly timeoutMs?: number | undefined;
}

/** What a process has that a library has not. */
export interface ClientPorts {
  /** For a creating call that was given no key: never the same twice. */
  newKey(): string;
  /** Milliseconds. */
  monotonic(): number;
}

/** Options of a creating call: the same key and body give the first answer again (R9). A new key where none is given. */
export interface Creating {
  readonly idempotencyKey?: string;
}

/**
 * The control plane's REST interface. Every method rejects with a `RemoteRefusal` (the control plane's own code, words and
 * next step), `Unreachable`, or `UnknownReply`; every answer is parsed with the schema of `contracts`.
 */
export interface Client {
  readonly url: string;
  me(): Promise<Me>;
  doctor(): Promise<DoctorView>;
  /** D6: what the control plane holds is the truth again. */
  openEpoch(reason: string, creating?: Creating): Promise<{ readonly epoch: number }>;
  readonly accessTokens: {
    list(listing?: Listing): Promise<Page<AccessTokenView>>;
    create(token: z.input<typeof CreateAccessToken>, creating?: Creating): Promise<z.infer<typeof CreatedAccessToken>>;
    revoke(name: Name): Promise<void>;
  };
  readonly sites: {
    list(listing?: Listing): Promise<Page<SiteView>>;
    get(site: Name): Promise<SiteView>;
    create(site: z.input<typeof CreateSite>, creating?: Creating): Promise<SiteView>;
    /** For one node of the site; shown once. */
    createToken(site: Name, token?: z.input<typeof CreateToken>, creating?: Creating): Promise<CreatedToken>;
    tokens(site: Name, listing?: Listing): Promise<Page<TokenView>>;
  };
  readonly nodes: {
    list(listing?: Listing & { readonly site?: Name | undefined }): Promise<Page<NodeView>>;
    get(node: Name): Promise<NodeView>;
    revoke(node: Name, reason: string): Promise<NodeView>;
  };
  readonly services: {
    list(listing?: Listing): Promise<Page<ServiceView>>;
    get(service: Name): Promise<ServiceView>;
    create(service: Service, creating?: Creating): Promise<ServiceView>;
  };
  readonly models: {
    list(listing?: Listing & { readonly name?: Name | undefined }): Promise<Page<ModelView>>;
    get(name: Name, version: Version): Promise<ModelView>;
    /** For good; refused while a rollout or a node stands on it. */
    retire(name: Name, version: Version, reason: string): Promise<ModelView>;
    /** Of pieces that are all uploaded; `pushModel` does the whole. */
    register(
      name: Name,
      version: Version,
      variant: z.input<typeof RegisterVariant>,
      creating?: Creating,
    ): Promise<ModelView>;
  };
  readonly suites: {
    list(listing?: Listing & { readonly service?: Name | undefined }): Promise<Page<SuiteView>>;
    get(name: Name, version: number): Promise<WholeSuite>;
    create(document: SuiteDocument, creating?: Creating): Promise<SuiteView>;
  };
  readonly policies: {
    /** By id, the newest revision first. */
    list(listing?: Listing & { readonly id?: Name | undefined }): Promise<Page<PolicyView>>;
    get(id: Name, revision: number): Promise<WholePolicy>;
    /** The same revision with the same bytes is answered again. */
    create(policy: PromptPolicy, creating?: Creating): Promise<PolicyView>;
    /** What became of revision `from` in revision `to`. */
    diff(id: Name, from: number, to: number): Promise<PolicyDiffView>;
  };
  readonly releases: {
    list(service: Name, listing?: Listing): Promise<Page<ReleaseRow>>;
    get(service: Name, number: number): Promise<ReleaseView>;
    create(release: CreateRelease, creating?: Creating): Promise<ReleaseView>;
    recall(service: Name, number: number, reason: string): Promise<ReleaseView>;
    /** Whom a recall would leave with nothing to serve; changes nothing. */
    recallEffect(service: Name, number: number): Promise<RecallEffect>;
  };
  readonly rollouts: {
    plan(request: z.input<typeof PlanRequest>): Promise<Plan>;
    start(request: z.input<typeof StartRequest>, creating?: Creating): Promise<RolloutView>;
    list(
      listing?: Listing & {
        readonly service?: Name | undefined;
        /** Those that have not ended, or have. */
        readonly open?: boolean | undefined;
        /** Those that have ended and still await a node. */
        readonly unsettled?: true | undefined;
      },
    ): Promise<Page<RolloutRow>>;
    get(id: RolloutId): Promise<RolloutView>;
    /** The plan as it runs. */
    planOf(id: RolloutId): Promise<Plan>;
    evidence(id: RolloutId): Promise<RolloutEvidence>;
    pause(id: RolloutId, reason?: string): Promise<RolloutView>;
    /** `harm` lifts the pause that a notice of harm made, too. */
    resume(id: RolloutId, options?: { readonly harm?: boolean }): Promise<RolloutView>;
    abort(id: RolloutId): Promise<RolloutView>;
    rollback(id: RolloutId, reason: string): Promise<RolloutView>;
    retry(id: RolloutId, node: Name): Promise<RolloutView>;
    waive(id: RolloutId, wave: number, reason: string): Promise<RolloutView>;
    /** The rollout as it is, and again at each change, until it has ended or `signal` aborts. Reconnects by itself. */
    watch(id: RolloutId, options?: WatchRollout): AsyncGenerator<RolloutView>;
  };
  readonly chunks: {
    /** Those of at most 1,000 digests that the artifact store lacks. */
    missing(digests: readonly Digest[]): Promise<readonly Digest[]>;
    put(digest: Digest, bytes: Uint8Array, signal?: AbortSignal): Promise<{ readonly stored: boolean }>;
  };
  readonly audit: {
    list(listing?: Listing & { readonly subject?: string | undefined }): Promise<Page<AuditEntry>>;
  };
  /** Reads the header, uploads what is missing, registers. Refuses what is no GGUF before anything is sent. */
  pushModel(push: PushModel): Promise<PushedModel>;
  /** Uploads what the store lacks of a file; registers nothing. */
  pushArtifact(push: PushArtifact): Promise<Artifact>;
  /** Checks the document here first, so that a mistake names its field. */
  pushSuite(document: unknown, creating?: Creating): Promise<SuiteView>;
  /** Ends when the connection does; what was missed is to be read again. */
  watchEvents(options?: WatchEvents): AsyncGenerator<LiveEvent>;
  close(): void;
}

export function createClient(options: ClientOptions, ports: ClientPorts): Client {
  const transport = createTransport({ ...options, explain: (cause) => explain(options, cause) });
  const get = <T>(path: string, answer: z.ZodType<T>, query: Call<T>['query'] = {}): Promise<T> =>
    transport.call({ method: 'GET', path: API + path, query, answer });
  const post = <T>(path: string, answer: z.ZodType<T>, json: unknown): Promise<T> =>
    transport.call({ method: 'POST', path: API + path, json, answer });
  const make = <T>(path: string, answer: z.ZodType<T>, json: unknown, creating: Creating = {}): Promise<T> =>
    transport.call({
      method: 'POST',
      path: API + path,
      json,
      answer,
      headers: { [IDEMPOTENCY_HEADER]: creating.idempotencyKey ?? ports.newKey() },
    });
  const of = (name: string | number): string => encodeURIComponent(name);
  const rollout = (id: RolloutId, act: string, json: unknown): Promise<RolloutView> =>
    post(`/rollouts/${of(id)}/${act}`, RolloutView, json);

  const client: Client = {
    url: options.url,
    me: () => get('/me', Me),
    doctor: () => get('/doctor', DoctorView),
    openEpoch: (reason, creating) => make('/epoch', Epoch, { reason }, creating),
    accessTokens: {
      list: (listing) => get('/access-tokens', page(AccessTokenView), { ...listing }),
      create: (token, creating) => make('/access-tokens', CreatedAccessToken, token, creating),
      revoke: (name) =>
        transport.call({ method: 'DELETE', path: `${API}/access-tokens/${of(name)}`, answer: z.undefined() }),
    },
    sites: {
      list: (listing) => get('/sites', page(SiteView), { ...listing }),
      get: (site) => get(`/sites/${of(site)}`, SiteView),
      create: (site, creating) => make('/sites', SiteView, site, creating),
      createToken: (site, token = {}, creating) => make(`/sites/${of(site)}/tokens`, CreatedToken, token, creating),
      tokens: (site, listing) => get(`/sites/${of(site)}/tokens`, page(TokenView), { ...listing }),
    },
    nodes: {
      list: (listing) => get('/nodes', page(NodeView), { ...listing }),
      get: (node) => get(`/nodes/${of(node)}`, NodeView),
      revoke: (node, reason) => post(`/nodes/${of(node)}/revoke`, NodeView, { reason }),
    },
    services: {
      list: (listing) => get('/services', page(ServiceView), { ...listing }),
      get: (service) => get(`/services/${of(service)}`, ServiceView),
      create: (service, creating) => make('/services', ServiceView, service, creating),
    },
    models: {
      list: (listing) => get('/models', page(ModelView), { ...listing }),
      get: (name, version) => get(`/models/${of(name)}/versions/${of(version)}`, ModelView),
      retire: (name, version, reason) =>
        post(`/models/${of(name)}/versions/${of(version)}/retire`, ModelView, { reason }),
      register: (name, version, variant, creating) =>
        make(`/models/${of(name)}/versions/${of(version)}/variants`, ModelView, variant, creating),
    },
    suites: {
      list: (listing) => get('/suites', page(SuiteView), { ...listing }),
      get: (name, version) => get(`/suites/${of(name)}/versions/${of(version)}`, WholeSuite),
      create: (document, creating) => make('/suites', SuiteView, document, creating),
    },
    policies: {
      list: (listing) => get('/policies', page(PolicyView), { ...listing }),
      get: (id, revision) => get(`/policies/${of(id)}/${of(revision)}`, WholePolicy),
      create: (policy, creating) => make('/policies', PolicyView, policy, creating),
      diff: (id, from, to) => get(`/policies/${of(id)}/${of(from)}/diff/${of(to)}`, PolicyDiffView),
    },
    releases: {
      list: (service, listing) => get('/releases', page(ReleaseRow), { service, ...listing }),
      get: (service, number) => get(`/releases/${of(service)}/${of(number)}`, ReleaseView),
      create: (release, creating) => make('/releases', ReleaseView, release, creating),
      recallEffect: (service, number) => get(`/releases/${of(service)}/${of(number)}/recall`, RecallEffect),
      recall: (service, number, reason) =>
        post(`/releases/${of(service)}/${of(number)}/recall`, ReleaseView, { reason }),
    },
    rollouts: {
      plan: (request) => post('/rollouts/plan', Plan, request),
      start: (request, creating) => make('/rollouts', RolloutView, request, creating),
      list: (listing) => get('/rollouts', page(RolloutRow), { ...listing }),
      get: (id) => get(`/rollouts/${of(id)}`, RolloutView),
      planOf: (id) => get(`/rollouts/${of(id)}/plan`, Plan),
      evidence: (id) => get(`/rollouts/${of(id)}/evidence`, RolloutEvidence),
      pause: (id, reason) => rollout(id, 'pause', { reason }),
      resume: (id, { harm = false } = {}) => rollout(id, 'resume', { harm }),
      abort: (id) => rollout(id, 'abort', {}),
      rollback: (id, reason) => rollout(id, 'rollback', { reason }),
      retry: (id, node) => rollout(id, 'retry', { node }),
      waive: (id, wave, reason) => rollout(id, 'waive', { wave, reason }),
      watch: (id, watch) => watchRollout(client, id, ports, watch),
    },
    chunks: {
      missing: async (digests) => (await post('/chunks/missing', ChunksMissingReply, { digests })).missing,
      put: (digest, bytes, signal) => putChunk(transport, digest, bytes, signal),
    },
    audit: { list: (listing) => get('/audit', page(AuditEntry), { ...listing }) },
    pushModel: (push) => pushModel(client, push),
    pushArtifact: (push) => pushArtifact(client, push),
    pushSuite: (document, creating) => pushSuite(client, document, creating),
    watchEvents: (watch) => watchEvents(transport, watch),
    close: () => transport.close(),
  };
  return client;
}

const putChunk = (
  transport: Transport,
  digest: Digest,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<{ readonly stored: boolean }> =>
  transport.call({ method: 'PUT', path: `${API}/chunks/${digest}`, bytes, answer: ChunkStored, signal });

const UNTRUSTED = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_GET_ISSUER_CERT',
  'CERT_SIGNATURE_FAILURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'CERT_HAS_EXPIRED',
]);

function explain({ url, ca }: ClientOptions, cause: NodeJS.ErrnoException): Unreachable {
  const { code = '', message } = cause;
  if (UNTRUSTED.has(code)) {
    const next =
      ca === undefined
        ? 'Name the network’s own CA with OPENWARD_CA, or log in with --ca.'
        : 'Check that OPENWARD_CA, or the CA you logged in with, is this network’s.';
    return new Unreachable(`The certificate of ${url} is not trusted: ${message}.`, next, cause);
  }
  const next = 'Check the address, that the control plane runs, and the way to it.';
  return new Unreachable(`${url} does not answer: ${message === '' ? code : message}.`, next, cause);
}
