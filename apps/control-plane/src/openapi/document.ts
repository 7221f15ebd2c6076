import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { API } from '@openward/contracts';
import { VERSION } from '../process/version.ts';
import { convertNamed } from './named-schemas.ts';

/** The REST interface as OpenAPI, made from the schemas that check it. `url`: where it answers. */
export function openApiOf(app: INestApplication, url: string): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('Openward control plane')
    .setDescription(
      'Rolls open-model releases out to partner hospitals through gates. Refusals have codes; see `ErrorBody`.',
    )
    .setVersion(VERSION)
    .addServer(url, 'This control plane')
    // What stands in a token is nobody's to read; the builder's own default calls each a JWT.
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'opaque', description: 'An access token' })
    .build();
  return SwaggerModule.createDocument(app, config, {
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '').toLowerCase()}-${method}`,
    standardSchemaConverter: (schema, { schemaType }) => convertNamed(schema, schemaType) ?? undefined,
  });
}

/** As JSON and as a page, which brings everything it needs along. Made when it is first asked for. */
export function offerOpenApi(app: INestApplication, address: { readonly url: string }): void {
  const path = API.slice(1);
  SwaggerModule.setup(`${path}/docs`, app, () => openApiOf(app, address.url || '/'), {
    jsonDocumentUrl: `${path}/openapi.json`,
    raw: ['json'],
    customSiteTitle: 'Openward',
  });
}
