import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { driverOffences } from './architecture/driver-rules.ts';
import { importOffences, PURE, type Offence } from './architecture/import-rules.ts';
import { importsOf } from './architecture/syntax.ts';
import { isForTests, readSources, ROOT, workspaceOf } from './architecture/sources.ts';

const sources = readSources('libs', 'apps', 'deploy', 'tests');
const shown = (offences: Offence[]): string[] => offences.map(({ path, line, says }) => `${path}:${line} ${says}`);

describe('the repository', () => {
  it('is read whole', () => {
    expect(sources.length).toBeGreaterThan(50);
  });

  it('has each library that is held to be pure', () => {
    expect(PURE.filter((library) => !existsSync(join(ROOT, 'libs', library, 'package.json')))).toEqual([]);
  });

  it('imports only what the architecture allows', () => {
    expect(shown(sources.flatMap(importOffences))).toEqual([]);
  });

  it('reaches time, chance and storage through ports, in drivers and pure libraries', () => {
    expect(shown(sources.flatMap(driverOffences))).toEqual([]);
  });

  // Without the dependency, npm need not link it; without the reference, a fresh clone builds in the wrong order.
  it('names each library that a workspace imports among its dependencies and its references', () => {
    const missing = new Set<string>();
    for (const { path, text } of sources.filter((source) => !isForTests(source.path))) {
      const workspace = path.startsWith('deploy/') ? path.split('/').slice(0, 2).join('/') : workspaceOf(path);
      if (!existsSync(join(ROOT, workspace, 'package.json'))) continue;
      const manifest = readFileSync(join(ROOT, workspace, 'package.json'), 'utf8');
      const config = readFileSync(join(ROOT, workspace, 'tsconfig.json'), 'utf8');
      const { name, dependencies = {} } = JSON.parse(manifest) as {
        name: string;
        dependencies?: Record<string, string>;
      };
      for (const { from } of importsOf(path, text)) {
        const library = /^@openward\/([^/]+)/.exec(from)?.[1];
        if (!library || `@openward/${library}` === name) continue;
        if (!(`@openward/${library}` in dependencies)) missing.add(`${workspace}/package.json: ${from}`);
        if (!config.includes(`libs/${library}"`) && !config.includes(`../${library}"`))
          missing.add(`${workspace}/tsconfig.json: ${from}`);
      }
    }
    expect([...missing]).toEqual([]);
  });
});

describe('the rules of imports', () => {
  const offends = (path: string, text: string): string[] => shown(importOffences({ path, text }));

  it.each([
    ['libs/rollout/src/a.ts', "import { readFile } from 'node:fs/promises';"],
    ['libs/rollout/src/a.ts', "import type { Pool } from 'pg';"],
    ['libs/rollout/src/a.ts', "export * from '@openward/persistence';"],
    ['libs/rollout/src/a.ts', "const pg = await import('pg');"],
    ['libs/rollout/src/a.ts', 'const found = await import(name);'],
    ['libs/activation/src/a.ts', "type Nest = import('@nestjs/common').Type;"],
    ['libs/evaluation/src/a.ts', "import pg = require('pg');"],
    ['libs/trust/src/a.ts', "import { request } from 'node:https';"],
    ['libs/distribution/src/a.ts', "import { open } from 'node:fs/promises';"],
    ['libs/runtime/src/a.ts', "import { Injectable } from '@nestjs/common';"],
    ['libs/messaging/src/a.ts', "import { Injectable } from '@nestjs/common';"],
    ['apps/cli/src/a.ts', "import { start } from '@openward/edge-agent';"],
    ['apps/cli/src/a.ts', "import { start } from '../../edge-agent/src/main.ts';"],
    ['apps/cli/src/a.ts', "import { plan } from '@openward/rollout/src/plan.ts';"],
    ['apps/cli/src/a.ts', "import { startNats } from '@openward/testkit';"],
    ['apps/control-plane/src/a.ts', "import { memoryStore } from '@openward/rollout/testing';"],
    ['libs/policy/src/a.ts', "import { createPolicyJudge } from '@openward/policy-check';"],
    ['apps/cli/src/a.ts', "import { createPolicyJudge } from '@openward/policy-check';"],
    ['libs/runtime/src/a.ts', "import { plan } from '../../rollout/src/plan.ts';"],
  ])('find in %s: %s', (path, text) => {
    expect(offends(path, text)).not.toEqual([]);
  });

  it.each([
    [
      'libs/rollout/src/a.ts',
      "import { z } from 'zod'; import { NodeId } from '@openward/contracts'; import './b.ts';",
    ],
    ['libs/rollout/src/a.test.ts', "import { fc } from 'fast-check'; import { readFileSync } from 'node:fs';"],
    ['libs/distribution/src/store.fs.ts', "import { open } from 'node:fs/promises';"],
    ['libs/messaging/src/nest/a.ts', "import { Injectable } from '@nestjs/common';"],
    ['apps/edge-agent/src/a.ts', "import { openStore } from '@openward/persistence/node';"],
    ['apps/edge-agent/src/a.ts', "import { createPolicyJudge } from '@openward/policy-check';"],
    ['libs/persistence/src/a.pg.test.ts', "import { memoryStore } from '@openward/rollout/testing';"],
    ['libs/runtime/src/a.test.ts', "import { fakeClock } from '@openward/testkit';"],
    ['libs/testkit/src/servers/a.ts', "import { natsServers } from '../../../../scripts/nats-server.mjs';"],
  ])('let pass in %s: %s', (path, text) => {
    expect(offends(path, text)).toEqual([]);
  });

  it('do not let a file pass that cannot be parsed', () => {
    expect(() => offends('libs/rollout/src/a.ts', 'import {')).toThrow('libs/rollout/src/a.ts');
  });
});

describe('the rules of drivers', () => {
  const offends = (path: string, text: string): string[] => shown(driverOffences({ path, text }));

  it.each([
    'const now = Date.now();',
    'const now = new Date();',
    'setTimeout(tick, 100);',
    'globalThis.setInterval(tick, 100);',
    'const later = { setTimeout };',
    'AbortSignal.timeout(10);',
    "AbortSignal['timeout'](10);",
    'const started = performance.now();',
    'Math.random();',
    'const { random } = Math;',
    'const id = crypto.randomUUID();',
    "import { randomUUID } from 'node:crypto';",
    "import { readFile } from 'node:fs/promises';",
    "import { DatabaseSync } from 'node:sqlite';",
    "import { setTimeout as pause } from 'node:timers/promises';",
    'await Promise.race([first, second]);',
  ])('find: %s', (text) => {
    expect(offends('libs/distribution/src/transfer.driver.ts', text).length).toBeGreaterThan(0);
    expect(offends('libs/distribution/src/driver.ts', text).length).toBeGreaterThan(0);
    expect(offends('libs/rollout/src/decide.ts', text).length).toBeGreaterThan(0);
  });

  it.each([
    'timers.setTimeout(tick, 100);',
    'interface Timers { setTimeout(run: () => void, ms: number): void }',
    'const all = await Promise.all([first, second]);',
    '// Date.now() would be wrong here',
    "const text = 'setTimeout';",
    'Math.max(1, 2);',
    "import { createHash } from 'node:crypto';",
  ])('let pass: %s', (text) => {
    expect(offends('libs/rollout/src/tick.driver.ts', text)).toEqual([]);
  });

  it('hold for drivers and pure libraries only', () => {
    const text = 'export const now = Date.now();';
    expect(offends('libs/runtime/src/ollama.ts', text)).toEqual([]);
    expect(offends('libs/rollout/src/tick.driver.test.ts', text)).toEqual([]);
    expect(offends('libs/rollout/src/screwdriver.ts', text)).toHaveLength(1);
  });
});
