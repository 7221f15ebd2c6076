import { Ajv } from 'ajv';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CONTROLLERS } from '../src/app.module.ts';
import { startNetwork, type Network } from './network.fixture.ts';

interface Operation {
  readonly operationId: string;
  readonly summary?: string;
  readonly security?: unknown[];
  readonly parameters?: {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema: object;
  }[];
  readonly requestBody?: { readonly content: Record<string, { readonly schema: object }> };
  readonly responses: Record<string, { readonly content?: Record<string, { readonly schema: object }> }>;
}
interface Document {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly servers: readonly object[];
  readonly components: { readonly schemas: Record<string, object>; readonly securitySchemes: object };
}

let network: Network;
let document: Document;
beforeAll(async () => {
  network = await startNetwork();
  document = (await (await network.clientOf(network.admin.url, null).raw('/api/v1/openapi.json')).json()) as Document;
});
afterAll(() => network.close());

const operations = (): [string, string, Operation][] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, string, Operation] => [method, path, operation]),
  );

/** OpenAPI 3.0 says bounds and null as JSON Schema did in its fourth draft; the checker knows a later one. */
function modern(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(modern);
  if (typeof schema !== 'object' || schema === null) return schema;
  const { nullable, ...rest } = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, modern(value)]));
  for (const [bound, exclusive] of [
    ['minimum', 'exclusiveMinimum'],
    ['maximum', 'exclusiveMaximum'],
  ] as const) {
    if (rest[exclusive] === true) rest[exclusive] = rest[bound];
    if (rest[exclusive] === false) delete rest[exclusive];
  }
  return nullable === true ? { anyOf: [rest, { type: 'null' }] } : rest;
}

it('says every route, with what it does and a name of its own', () => {
  const routes = CONTROLLERS.flatMap((controller) =>
    Object.getOwnPropertyNames(controller.prototype).filter(
      (name) =>
        name !== 'constructor' &&
        Reflect.hasMetadata('path', (controller.prototype as Record<string, object>)[name] ?? {}),
    ),
  );
  const told = operations();
  expect(told.length).toBe(routes.length);
  expect(told.length).toBeGreaterThan(35);
  expect(new Set(told.map(([, , it]) => it.operationId)).size).toBe(told.length);
  expect(told.filter(([, , it]) => !it.summary)).toEqual([]);
});

it('has schemas that hold, for every parameter, body and answer', () => {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  const offences = operations().flatMap(([method, path, operation]) =>
    offencesOf(ajv, path, operation).map((what) => `${method} ${path}: ${what}`),
  );
  expect(offences).toEqual([]);
});

function offencesOf(ajv: Ajv, path: string, operation: Operation): string[] {
  const found: string[] = [];
  const named = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).toSorted();
  const declared = (operation.parameters ?? []).filter((it) => it.in === 'path').map((it) => it.name);
  if (declared.toSorted().join() !== named.join()) found.push(`declares ${declared.join()}`);
  if (!('default' in operation.responses)) found.push('says nothing of refusals');
  const bodies = Object.values(operation.requestBody?.content ?? {});
  const answers = Object.values(operation.responses).flatMap((it) => Object.values(it.content ?? {}));
  for (const { schema } of [...bodies, ...answers, ...(operation.parameters ?? [])]) {
    if (JSON.stringify(schema ?? null).includes('~standard')) found.push('leaks the insides of a schema');
    try {
      ajv.compile({ ...(modern(schema) as object), components: modern(document.components) });
    } catch (error) {
      found.push(String(error));
    }
  }
  return found;
}

it('names what is sent and answered, so that a client made from it has types', () => {
  const { schemas } = document.components;
  expect(Object.keys(schemas)).toEqual(expect.arrayContaining(['PromptPolicy', 'PolicyView', 'Release', 'ErrorBody']));
  const nameOf = (of: Operation['requestBody']): unknown => of?.content['application/json']?.schema;
  const policies = document.paths['/api/v1/policies'];
  expect(nameOf(policies?.['post']?.requestBody)).toEqual({ $ref: '#/components/schemas/PromptPolicy' });
  expect(policies?.['get']?.responses['200']).toMatchObject({
    content: {
      'application/json': { schema: { properties: { items: { items: { $ref: '#/components/schemas/PolicyView' } } } } },
    },
  });
  const named = { $ref: expect.stringMatching(/^#\/components\/schemas\//) as string };
  for (const [method, path, { requestBody, responses }] of operations()) {
    const bodies = [requestBody, ...Object.values(responses)].flatMap((it) => it?.content?.['application/json'] ?? []);
    for (const { schema } of bodies) {
      const { properties } = schema as { properties?: { items?: { items?: unknown }; next?: unknown } };
      const isPage = properties?.next !== undefined;
      expect(isPage ? properties?.items?.items : schema, `${method} ${path}`).toEqual(named);
    }
  }
});

it('says which calls want a token, and which an Idempotency-Key', () => {
  const open = operations()
    .filter(([, , it]) => it.security === undefined)
    .map(([method, path]) => `${method} ${path}`);
  expect(open.toSorted()).toEqual([
    'get /api/v1/key-sets',
    'get /api/v1/time',
    'get /health',
    'get /metrics',
    'get /ready',
    'post /api/v1/enrol',
    'post /api/v1/renew',
  ]);
  const creating = operations()
    .filter(([, , it]) => it.parameters?.some((one) => one.name === 'idempotency-key' && one.required === true))
    .map(([method, path]) => `${method} ${path}`);
  expect(creating.toSorted()).toEqual([
    'post /api/v1/access-tokens',
    'post /api/v1/epoch',
    'post /api/v1/models/{name}/versions/{version}/variants',
    'post /api/v1/policies',
    'post /api/v1/releases',
    'post /api/v1/rollouts',
    'post /api/v1/services',
    'post /api/v1/sites',
    'post /api/v1/sites/{site}/tokens',
    'post /api/v1/suites',
  ]);
});

it('tells the parameters of lists', () => {
  const list = document.paths['/api/v1/nodes']?.['get'];
  expect(list?.parameters?.map((it) => it.name).toSorted()).toEqual(['after', 'limit', 'site']);
});

it('is a page too, which loads nothing from elsewhere', async () => {
  const page = await network.admin.raw('/api/v1/docs');
  expect(page.status).toBe(200);
  const html = await page.text();
  expect(html).toContain('swagger-ui');
  expect([...html.matchAll(/(?:src|href)="(https?:)?\/\//g)]).toEqual([]);
  expect((await network.admin.raw('/api/v1/docs/swagger-ui-bundle.js')).status).toBe(200);
  expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
});

it('says where it answers, and that what stands in a token is nobody’s to read', () => {
  expect(document.servers).toMatchObject([{ url: network.admin.url }]);
  expect(document.components.securitySchemes).toEqual({
    bearer: expect.objectContaining({ type: 'http', scheme: 'bearer', bearerFormat: 'opaque' }) as object,
  });
});
