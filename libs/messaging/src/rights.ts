import {
  CHUNK_STREAM,
  DESIRED_BUCKET,
  DESIRED_STREAM,
  PREFIX,
  RPC_WILDCARD,
  chunkSubject,
  desiredSubject,
  inboxPrefix,
  reportSubject,
  rpcSubject,
} from '@openward/contracts';
import type { Export, Import, UserPermissionsLimits } from '@nats-io/jwt';

// Who may say what to whom. Allow lists only: NATS has had ways round overlapping deny rules. NATS never checks the reply
// subject of a message, so lists alone do not keep nodes apart; the accounts do. Nodes live in EDGE, streams and control
// plane in CORE, and only the services below cross, so that a reply can name nothing in CORE.

const SITE = '{{tag(site)}}';
const NODE = '{{name()}}';
const FAMILY = '{{tag(family)}}';

const directGet = (stream: string): string => `$JS.API.DIRECT.GET.${stream}`;

/** What a node may do, as templates that the server fills in from the JWT. Whole tokens only: before 2.11 no others expand. */
export const EDGE_CONTROL_RIGHTS: Partial<UserPermissionsLimits> = {
  pub: {
    allow: [
      `${directGet(DESIRED_STREAM)}.${desiredSubject(SITE, NODE)}`,
      `$JS.API.CONSUMER.MSG.NEXT.${DESIRED_STREAM}.${NODE}`,
      `$JS.ACK.${DESIRED_STREAM}.${NODE}.>`,
      reportSubject(SITE, NODE),
      `${rpcSubject(SITE, NODE, 'hello').replace(/hello$/, '')}>`,
    ],
  },
  sub: { allow: [`${inboxPrefix(SITE, NODE, 'control')}.>`] },
  subs: 32,
  data: -1,
  payload: 262_144,
  bearer_token: false,
  allowed_connection_types: ['STANDARD', 'WEBSOCKET'],
};

/** A node with several families has one tag for each, and the server multiplies the subject. */
export const EDGE_BULK_RIGHTS: Partial<UserPermissionsLimits> = {
  pub: { allow: [`${directGet(CHUNK_STREAM)}.${chunkSubject(FAMILY, 'sha256:*')}`] },
  sub: { allow: [`${inboxPrefix(SITE, NODE, 'bulk')}.>`] },
  subs: 8,
  data: -1,
  payload: 4096,
  bearer_token: false,
  allowed_connection_types: ['STANDARD', 'WEBSOCKET'],
};

/** Wildcards end in `>`: with a leaf node of 2.9 in between, interest in `*.*` finds no responder. */
export const REPORT_SUBJECTS = `${PREFIX}.rpt.>`;

/** Of all that CORE does, what EDGE can reach. A pull answers with a stream of messages, the rest with one. */
const SERVICES: readonly { name: string; subject: string; response: 'Singleton' | 'Stream' }[] = [
  { name: 'desired-get', subject: `${directGet(DESIRED_STREAM)}.>`, response: 'Singleton' },
  { name: 'desired-next', subject: `$JS.API.CONSUMER.MSG.NEXT.${DESIRED_STREAM}.*`, response: 'Stream' },
  { name: 'desired-ack', subject: `$JS.ACK.${DESIRED_STREAM}.>`, response: 'Singleton' },
  { name: 'report', subject: REPORT_SUBJECTS, response: 'Singleton' },
  { name: 'rpc', subject: RPC_WILDCARD, response: 'Singleton' },
  { name: 'chunk', subject: `${directGet(CHUNK_STREAM)}.>`, response: 'Singleton' },
];

export const CORE_EXPORTS: readonly Export[] = SERVICES.map(({ name, subject, response }) => ({
  name,
  subject,
  type: 'service',
  response_type: response,
}));

export const edgeImports = (core: string): Import[] =>
  SERVICES.map(({ name, subject }) => ({ name, subject, local_subject: subject, type: 'service', account: core }));

/** Inboxes of the control plane's connections, apart from each other. */
export const controlPlaneInbox = (role: 'engine' | 'rpc' | 'sys'): string => `_INBOX.cp.${role}`;

/**
 * `engine` keeps streams, buckets, durables, desired states and chunks. `rpc` answers nodes and can publish nothing else
 * (`_R_.` is where an answer to another account goes). `sys` hands account claims to the server, looks whether it took
 * them, and who is connected.
 */
export const CONTROL_PLANE_RIGHTS = {
  engine: {
    pub: {
      allow: ['$JS.API.>', '$JS.ACK.>', `$KV.${DESIRED_BUCKET}.>`, `${PREFIX}.chunk.*.*`],
    },
    sub: { allow: [`${controlPlaneInbox('engine')}.>`] },
  },
  rpc: {
    pub: { allow: ['_INBOX.>', '_R_.>'] },
    sub: { allow: [RPC_WILDCARD, `${controlPlaneInbox('rpc')}.>`] },
  },
  sys: {
    pub: {
      allow: [
        '$SYS.REQ.CLAIMS.UPDATE',
        '$SYS.REQ.ACCOUNT.*.INFO',
        '$SYS.REQ.ACCOUNT.*.CONNZ',
        '$SYS.REQ.ACCOUNT.*.CLAIMS.LOOKUP',
      ],
    },
    sub: { allow: [`${controlPlaneInbox('sys')}.>`] },
  },
} as const;

export type ControlPlaneRole = keyof typeof CONTROL_PLANE_RIGHTS;
