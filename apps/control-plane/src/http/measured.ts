import { inSpan } from '@openward/observability';
import type { NextFunction, Request, Response } from 'express';
import type { Metrics } from '../process/metrics.ts';

/** A span and a time for each request, by the route's pattern: never by its path, in which names stand. */
export const measured =
  ({ requestSeconds }: Metrics) =>
  (request: Request, response: Response, next: NextFunction): void => {
    const start = performance.now();
    void inSpan(
      `HTTP ${request.method}`,
      (span) =>
        new Promise<void>((resolve) => {
          response.once('close', () => {
            const route = routeOf(request);
            const labels = { method: request.method, route, status: response.statusCode };
            span.updateName(`${request.method} ${route}`);
            span.setAttributes({ 'http.route': route, 'http.response.status_code': response.statusCode });
            requestSeconds.record((performance.now() - start) / 1000, labels);
            resolve();
          });
          next();
        }),
      { kind: 'server' },
    );
  };

const routeOf = (request: Request): string => {
  const route = request.route as { readonly path?: unknown } | undefined;
  return typeof route?.path === 'string' ? route.path : 'none';
};
