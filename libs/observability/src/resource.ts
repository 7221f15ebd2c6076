import { resourceFromAttributes, type Resource } from '@opentelemetry/resources';

/** What a metric or a span is of. */
export interface Process {
  readonly service: string;
  readonly version: string;
}

export const resourceOf = ({ service, version }: Process): Resource =>
  resourceFromAttributes({ 'service.name': service, 'service.version': version });
