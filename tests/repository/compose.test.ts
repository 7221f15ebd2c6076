import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { readConfig as readControlPlaneConfig } from '../../apps/control-plane/src/config.ts';
import { readConfig as readAgentConfig } from '../../apps/edge-agent/src/config.ts';
import { ROOT } from '../architecture/sources.ts';
import { readDockerfile } from './dockerfile.ts';

interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string; readonly target?: string };
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly networks?: readonly string[];
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: Readonly<Record<string, unknown>>;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const compose = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true }) as Compose;
const services = Object.entries(compose.services);

// The specification's schema, as the Compose linter carries it (a data file of it; the linter itself is not run).
const linter = dirname(createRequire(import.meta.url).resolve('dclint/package.json'));
const schema = JSON.parse(readFileSync(join(linter, 'schemas/compose.schema.json'), 'utf8')) as { $schema?: string };
// Its own "$schema" is spelled with https, which no validator knows.
const { $schema: _spelledWithHttps, ...draft07 } = schema;
const ajv = new Ajv({ strict: false, allErrors: true });
addFormats.default(ajv);
ajv.addFormat('ports', true).addFormat('expose', true).addFormat('subnet_ip_address', true);
const isValid = ajv.compile(draft07);

describe('docker-compose.yml', () => {
  it("is valid by the Compose specification's schema", () => {
    isValid(compose);
    expect(isValid.errors ?? []).toEqual([]);
  });

  it.each([
    ['a service with an unknown key', { services: { a: { image: 'x', imagine: 'y' } } }],
    ['a port that is an object of unknown keys', { services: { a: { ports: [{ targets: 1 }] } } }],
    ['a section of its own', { services: {}, clusters: {} }],
  ])('would not be valid with %s', (_what, broken) => {
    expect(isValid(broken)).toBe(false);
  });

  it('pins every image that it does not build', () => {
    const images = services.flatMap(([, { image = 'none', build }]) => (build ? [] : [image]));
    expect(images.filter((image) => !/^[a-z/]+:\d+\.\d+(\.\d+)?[a-z0-9-]*$/.test(image))).toEqual([]);
  });

  it('runs the NATS server whose download is pinned', () => {
    const { download } = JSON.parse(readFileSync(join(ROOT, 'deploy/nats/server.json'), 'utf8')) as {
      download: { version: string };
    };
    expect(compose.services['nats']?.image).toBe(`nats:${download.version}-alpine`);
    // The configuration is written for that version.
    expect(compose.services['setup']?.environment).toEqual({ NATS_VERSION: download.version });
  });

  const exists = (from: string): boolean =>
    from.startsWith('./') ? existsSync(join(ROOT, from)) : from in compose.volumes;

  it('names only services, networks and volumes that it defines', () => {
    const unknown = services.flatMap(([, { depends_on: needs = {}, networks = [], volumes = [] }]) => [
      ...Object.keys(needs).filter((name) => !(name in compose.services)),
      ...networks.filter((name) => !(name in compose.networks)),
      ...volumes.filter((volume) => !exists(volume.split(':')[0] ?? '')),
    ]);
    expect(unknown).toEqual([]);
  });

  it('opens ports on the loopback interface only', () => {
    const ports = services.flatMap(([, service]) => service.ports ?? []);
    expect(ports.length).toBeGreaterThan(0);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });

  it.each(['referral', 'district', 'primary'])(
    'gives the %s hospital an Ollama that only its own agent reaches',
    (site) => {
      expect(compose.services[`${site}-ollama`]?.networks).toEqual([site]);
      expect(compose.services[`${site}-ollama`]?.ports).toBeUndefined();
      expect(compose.networks[site]?.internal).toBe(true);
      const members = services.filter(([, { networks }]) => networks?.includes(site)).map(([name]) => name);
      expect(members.toSorted()).toEqual([`${site}-agent`, `${site}-ollama`]);
    },
  );

  it.each(['referral', 'district', 'primary'])('gives the %s hospital a configuration that the agent takes', (site) => {
    const config = readAgentConfig(join(ROOT, 'deploy/compose/sites', site));
    expect(config.runtime).toMatchObject({ kind: 'ollama', ollamaUrls: [`http://${site}-ollama:11434`] });
    expect(config.gateway.tls).not.toBeNull();
    const mounts = compose.services[`${site}-agent`]?.volumes;
    expect(mounts).toContain(`./deploy/compose/sites/${site}/agent.json:/var/lib/openward/agent.json:ro`);
  });

  it('gives the control plane an environment that it takes', () => {
    const environment = Object.entries(compose.services['control-plane']?.environment ?? {});
    // Files that the set-up makes are not there in a test; any readable file will do for them.
    const given = environment.map(([name, value]) => [
      name,
      /\.(crt|key)$/.test(value) ? join(ROOT, 'LICENSE') : value,
    ]);
    const config = readControlPlaneConfig(Object.fromEntries(given) as Record<string, string>);
    expect(config.http).toMatchObject({ host: '0.0.0.0', port: 8443 });
    expect(config.nats).toMatchObject({ listener: 'private', urls: ['nats://nats:4222'] });
    const known = readFileSync(join(ROOT, 'apps/control-plane/src/config.ts'), 'utf8');
    expect(environment.map(([name]) => name).filter((name) => !known.includes(`${name}:`))).toEqual([]);
  });

  it('keeps the database from the hospitals', () => {
    expect(compose.services['postgres']?.networks).toEqual(['control']);
    expect(compose.networks['control']?.internal).toBe(true);
  });
});

describe('the Dockerfiles', () => {
  const builds = services.flatMap(([, { build }]) => (build ? [build] : []));
  const files = [...new Set(builds.map(({ dockerfile }) => dockerfile))].map((path) => ({
    path,
    ...readDockerfile(join(ROOT, path)),
  }));

  it('have the stages that are built', () => {
    expect(builds.length).toBeGreaterThan(0);
    for (const { dockerfile, target } of builds) {
      expect(files.find(({ path }) => path === dockerfile)?.stages).toContain(target);
    }
  });

  it.each(files)('$path copies what the repository holds', ({ copied }) => {
    expect(copied.length).toBeGreaterThan(0);
    expect(copied.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it.each(files)('$path copies every workspace, since npm installs all or none', ({ copied }) => {
    const { workspaces } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { workspaces: string[] };
    const folders = workspaces.map((workspace) => `${workspace.replace(/\/\*$/, '')}/`);
    expect(folders.filter((folder) => !copied.some((path) => folder.startsWith(path)))).toEqual([]);
  });

  it.each(files)('$path starts programs that the build makes', ({ commands }) => {
    const programs = [...commands, ...services.flatMap(([, { command, build }]) => (build ? (command ?? []) : []))];
    expect(programs.length).toBeGreaterThan(0);
    const named = programs.filter((word) => word.includes('/'));
    const sources = named.map((program) => program.replace(/\/dist\/(.*)\.js$/, '/src/$1.ts'));
    expect(sources.filter((source) => !existsSync(join(ROOT, source)))).toEqual([]);
  });

  it.each(files)('$path pins what it starts from', ({ bases }) => {
    expect(bases.filter((base) => !/:\d+\.\d+\.\d+-/.test(base))).toEqual([]);
  });
});
