import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { API } from '@openward/contracts';
import { VERSION } from '../process/version.ts';
import { convertNamed } from './named-schemas.ts';

/** The REST interface as OpenAPI, made from the schemas that check it. */
export function openApiOf(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('Openward control plane')
    .setDescription(
      'Rolls open-model releases out to partner hospitals through gates. Refusals have codes; see `ErrorBody`.',
    )
    .setVersion(VERSION)
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'An access token' })
    .build();
  return SwaggerModule.createDocument(app, config, {
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '').toLowerCase()}-${method}`,
    standardSchemaConverter: (schema, { schemaType }) => convertNamed(schema, schemaType) ?? undefined,
  });
}

/** As JSON and as a page, which brings everything it needs along. Made when it is first asked for. */
export function offerOpenApi(app: INestApplication): void {
  const path = API.slice(1);
  SwaggerModule.setup(`${path}/docs`, app, () => openApiOf(app), {
    jsonDocumentUrl: `${path}/openapi.json`,
    raw: ['json'],
    customSiteTitle: 'Openward',
  });
}
