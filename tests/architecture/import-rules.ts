import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

import { importsOf } from './syntax.ts';
import { isForTests, ROOT, type Source, workspaceOf } from './sources.ts';

/** No clock, no disk, no network, no randomness: these can be simulated and proved. */
export const PURE = ['contracts', 'rollout', 'activation', 'policy', 'evaluation', 'privacy'];

// What a pure library may import beside its own files. `trust` computes signatures and does no I/O itself.
const PURE_MAY = [
  '@openward/contracts',
  '@openward/trust',
  'zod',
  'temporal-polyfill',
  'rrule-temporal',
  're2js',
  'ajv',
  'yaml',
];
const PURE_NODE = ['node:crypto', 'node:util', 'node:buffer'];

export interface Offence {
  readonly path: string;
  readonly line: number;
  readonly says: string;
}

const isPure = (path: string): boolean => PURE.some((library) => path.startsWith(`libs/${library}/`));

const packageName = (from: string): string => from.split('/', from.startsWith('@') ? 2 : 1).join('/');

/** One rule: what is wrong with this import in this file, if anything. */
type Rule = (path: string, from: string) => string | undefined;

const pureStaysPure: Rule = (path, from) => {
  if (!isPure(path) || isForTests(path) || from.startsWith('.')) return undefined;
  if (PURE_MAY.includes(packageName(from)) || PURE_NODE.includes(from)) return undefined;
  return `a pure library may not import ${from}`;
};

const cryptoOnlyInTrust: Rule = (path, from) => {
  if (!path.startsWith('libs/trust/') || isForTests(path) || !from.startsWith('node:')) return undefined;
  return from === 'node:crypto' ? undefined : `trust does no I/O and may not import ${from}`;
};

const filesOnlyInAdapters: Rule = (path, from) => {
  if (!path.startsWith('libs/distribution/') || isForTests(path) || /\.(fs|worker)\.ts$/.test(path)) return undefined;
  return /^(node:)?fs(\/promises)?$/.test(from)
    ? `only a *.fs.ts or *.worker.ts file of distribution may import ${from}`
    : undefined;
};

const nestOnlyAtTheEdge: Rule = (path, from) => {
  if (!from.startsWith('@nestjs/')) return undefined;
  if (path.startsWith('apps/') || path.startsWith('libs/messaging/src/nest/') || path.startsWith('tests/'))
    return undefined;
  return `only apps and libs/messaging/src/nest may import ${from}`;
};

const APPS = ['control-plane', 'edge-agent', 'auditor', 'console', 'cli'];
const appsStandAlone: Rule = (path, from) => {
  if (path.startsWith('tests/')) return undefined;
  const app = APPS.find((name) => from === `@openward/${name}` || from.startsWith(`@openward/${name}/`));
  return app && workspaceOf(path) !== `apps/${app}` ? `nothing imports an app: ${from}` : undefined;
};

/** The ways into a library that it declares itself: `.` for its name alone, `./node` for `@openward/persistence/node`. */
const entries = new Map<string, ReadonlySet<string>>();
function entriesOf(library: string): ReadonlySet<string> {
  const known = entries.get(library);
  if (known) return known;
  const manifest = ['libs', 'deploy']
    .map((folder) => join(ROOT, folder, library, 'package.json'))
    .find((path) => existsSync(path));
  const { exports = {} } = (manifest ? JSON.parse(readFileSync(manifest, 'utf8')) : {}) as { exports?: object };
  const declared = new Set(Object.keys(exports));
  entries.set(library, declared);
  return declared;
}

const noDeepImports: Rule = (path, from) => {
  const [, library, inside] = /^@openward\/([^/]+)\/(.+)$/.exec(from) ?? [];
  if (!library || !inside) return undefined;
  if (!entriesOf(library).has(`./${inside}`)) return `a library is imported by a way in that it declares: ${from}`;
  if (library === 'demo' && !isForTests(path)) return `only tests may import ${from}`;
  const testing = inside === 'testing' && !isForTests(path) && !path.startsWith('libs/testkit/');
  return testing ? `only tests may import ${from}` : undefined;
};

// The tests and the bootstrap find a NATS server in the same way, and the bootstrap runs before anything is built.
const SHARED_SCRIPT = 'scripts/nats-server.mjs';
const noWayOut: Rule = (path, from) => {
  if (!from.startsWith('.') || path.startsWith('tests/')) return undefined;
  const target = posix.join(posix.dirname(path), from);
  if (target.startsWith(`${workspaceOf(path)}/`)) return undefined;
  if (path.startsWith('libs/testkit/') && target === SHARED_SCRIPT) return undefined;
  return `a relative import may not leave its workspace: ${from}`;
};

// A pure library judges with `checkPolicy`; this one starts a thread, which is for processes that serve.
const CHECKING = ['apps/control-plane', 'apps/edge-agent'];
const policyCheckOnlyInServers: Rule = (path, from) => {
  if (packageName(from) !== '@openward/policy-check' || isForTests(path)) return undefined;
  return CHECKING.includes(workspaceOf(path)) ? undefined : `only ${CHECKING.join(' and ')} may import ${from}`;
};

const testkitOnlyInTests: Rule = (path, from) => {
  if (from !== '@openward/testkit' || isForTests(path) || path.startsWith('deploy/demo/')) return undefined;
  return 'only tests and the demo may import @openward/testkit';
};

const RULES: readonly Rule[] = [
  pureStaysPure,
  cryptoOnlyInTrust,
  filesOnlyInAdapters,
  nestOnlyAtTheEdge,
  appsStandAlone,
  noDeepImports,
  noWayOut,
  policyCheckOnlyInServers,
  testkitOnlyInTests,
];

/** Every import of a file that breaks a rule of docs/architecture.md, "who may import whom". */
export function importOffences({ path, text }: Source): Offence[] {
  return importsOf(path, text).flatMap(({ from, line }) =>
    RULES.map((rule) => rule(path, from))
      .filter((says) => says !== undefined)
      .map((says) => ({ path, line, says })),
  );
}
