import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Refusal, type Name } from '@openward/contracts';
import { z } from 'zod';
import { Unreachable } from './errors.ts';
import {
  AddedDataSet,
  AddedKey,
  Commanded,
  DataSetView,
  Disclosure,
  DisclosureSummary,
  NodeFinding,
  NodeKey,
  NodeOffer,
  NodeRules,
  NodeStatus,
  NodeSuite,
  type AddDataSet,
  type NodeCommand,
} from './node-views.ts';
import {
  NodeOfferRead,
  NodePolicyHit,
  NodePolicySettings,
  NodeShadow,
  PoliciesChanged,
  type NodePolicyChange,
  type StartShadow,
} from './node-policy-views.ts';
import { createTransport } from './transport.ts';

/** Hospital IT's own interface of one agent, over the Unix socket in its data folder. It needs no network and no token. */
export interface NodeClient {
  status(): Promise<NodeStatus>;
  offers(): Promise<readonly NodeOffer[]>;
  /** What waits for a service, to be read before an answer. Where nothing of it is here yet, its document is fetched, and nothing else. */
  offer(service: Name): Promise<NodeOfferRead>;
  suites(): Promise<readonly NodeSuite[]>;
  rules(): Promise<NodeRules>;
  doctor(): Promise<readonly NodeFinding[]>;
  /** Resolves when the answer is durable, and the gateway has followed it. `serves`: what the service has then. */
  command(command: NodeCommand): Promise<Commanded>;
  /** Rows of the ledger after a sequence, in order; at most 1,000 at once. */
  disclosures(query?: {
    readonly after?: number | undefined;
    readonly limit?: number | undefined;
  }): Promise<{ readonly items: readonly Disclosure[]; readonly next: number | null; readonly newest: number | null }>;
  summary(): Promise<DisclosureSummary['kinds']>;
  dataSets(): Promise<readonly DataSetView[]>;
  addDataSet(set: AddDataSet): Promise<AddedDataSet>;
  keys(): Promise<readonly NodeKey[]>;
  addKey(application: Name): Promise<AddedKey>;
  revokeKey(id: string): Promise<void>;
  policies(): Promise<NodePolicySettings>;
  /** Holds for the next request. Refused, with nothing changed, where a policy here would not run so. */
  changePolicies(change: NodePolicyChange): Promise<PoliciesChanged>;
  policyHits(service: Name): Promise<readonly NodePolicyHit[]>;
  shadows(): Promise<readonly NodeShadow[]>;
  startShadow(start: StartShadow): Promise<NodeShadow>;
  stopShadow(service: Name): Promise<void>;
  close(): void;
}

const Done = z.object({ done: z.literal(true) });
const items = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item) });
/** `newest`: the sequence of the ledger’s last row; an agent of before does not say. */
const Disclosures = z.object({
  items: z.array(Disclosure),
  next: z.int().nullable(),
  newest: z.int().nullable().default(null),
});

/** Throws `notEnrolled` where the folder has never been an agent's, and `Unreachable` where none has run in it. */
export function createNodeClient(dataDir: string): NodeClient {
  const socketPath = socketOf(dataDir);
  const transport = createTransport({
    url: 'http://node',
    socketPath,
    explain: (cause) =>
      cause.code === 'EACCES'
        ? new Unreachable(
            `The agent's socket in ${dataDir} belongs to another user.`,
            'Run the command as the user that the agent runs as.',
            cause,
          )
        : new Unreachable(
            `The agent of ${dataDir} does not answer: ${cause.message}.`,
            'Start it with `openward node run`, or its system service.',
            cause,
          ),
  });
  const get = <T>(path: string, answer: z.ZodType<T>, query = {}): Promise<T> =>
    transport.call({ method: 'GET', path, query, answer });
  const post = <T>(path: string, answer: z.ZodType<T>, json: unknown): Promise<T> =>
    transport.call({ method: 'POST', path, json, answer });
  return {
    status: () => get('/status', NodeStatus),
    offer: (service) => get(`/offers/${encodeURIComponent(service)}`, NodeOfferRead),
    offers: async () => (await get('/offers', items(NodeOffer))).items,
    suites: async () => (await get('/suites', items(NodeSuite))).items,
    rules: () => get('/rules', NodeRules),
    doctor: async () => (await get('/doctor', z.object({ findings: z.array(NodeFinding) }))).findings,
    command: (command) => post('/commands', Commanded, command),
    disclosures: (query = {}) => get('/disclosures', Disclosures, query),
    summary: async () => (await get('/disclosures/summary', DisclosureSummary)).kinds,
    dataSets: async () => (await get('/data', items(DataSetView))).items,
    addDataSet: (set) => post('/data', AddedDataSet, set),
    keys: async () => (await get('/keys', items(NodeKey))).items,
    addKey: (application) => post('/keys', AddedKey, { application }),
    revokeKey: async (id) =>
      void (await transport.call({
        method: 'DELETE',
        path: `/keys/${encodeURIComponent(id)}`,
        answer: z.object({ revoked: z.string() }),
      })),
    policies: () => get('/policy', NodePolicySettings),
    changePolicies: (change) => post('/policy', PoliciesChanged, change),
    policyHits: async (service) =>
      (await get(`/policy/hits/${encodeURIComponent(service)}`, items(NodePolicyHit))).items,
    shadows: async () => (await get('/policy/shadows', items(NodeShadow))).items,
    startShadow: (start) => post('/policy/shadows', NodeShadow, start),
    stopShadow: async (service) =>
      void (await transport.call({
        method: 'DELETE',
        path: `/policy/shadows/${encodeURIComponent(service)}`,
        answer: Done,
      })),
    close: () => transport.close(),
  };
}

function socketOf(dataDir: string): string {
  try {
    return readFileSync(join(dataDir, 'socket'), 'utf8').trim();
  } catch (cause) {
    try {
      readFileSync(join(dataDir, 'enrolment.json'));
    } catch {
      throw new Refusal('notEnrolled', `${dataDir} is not the data folder of an enrolled node.`, { cause });
    }
    throw new Unreachable(
      `No agent has run in ${dataDir} yet.`,
      'Start it with `openward node run`, or its system service.',
      cause,
    );
  }
}
