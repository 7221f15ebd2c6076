import { defineConfig } from 'vitest/config';

// The environment that a test needs stands in its file's name: `.pg.test.ts` wants PostgreSQL, `.nats.test.ts` a NATS
// server, `.ollama.test.ts` an Ollama, `.llama.test.ts` the embedded llama.cpp.
const NEEDS = ['pg', 'nats', 'ollama', 'llama'] as const;
// What searches for long, by seeds: mutants, generated streams, simulated fleets and lines, benches. It needs nothing, and is no part of
// the quick look before a commit.
const SEARCHES = [
  'libs/activation/src/testing/*.test.ts',
  'libs/distribution/src/transfer-{chaos,kill}.test.ts',
  'libs/policy-check/src/judge-policy.test.ts',
  'libs/policy/src/find-topic-simple.test.ts',
  'libs/policy/src/streams*.test.ts',
  'tests/bench/*.test.ts',
  'tests/simulation/*.test.ts',
];
const needing = (kind: string): string[] => [`{libs,apps,tests}/**/*.${kind}.test.ts`];

export default defineConfig({
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  ssr: { resolve: { conditions: ['@openward/source'], externalConditions: ['@openward/source'] } },
  test: {
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{libs,apps,tests}/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**', 'tests/e2e/**', ...SEARCHES, ...NEEDS.flatMap(needing)],
        },
      },
      {
        extends: true,
        test: { name: 'search', include: SEARCHES, exclude: NEEDS.flatMap(needing) },
      },
      ...NEEDS.map((kind) => ({
        extends: true as const,
        test: {
          name: kind,
          include: needing(kind),
          exclude: ['**/node_modules/**', '**/dist/**', 'tests/e2e/**'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      })),
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['tests/e2e/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
