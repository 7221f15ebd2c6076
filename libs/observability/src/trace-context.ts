import { context, propagation, SpanKind, SpanStatusCode, trace, type Span } from '@opentelemetry/api';

const TRACEPARENT = 'traceparent';
const tracer = () => trace.getTracer('openward');

/** Of the running span, to travel in a NATS header; undefined where nothing is traced. `tracestate` and `baggage` never travel (G4). */
export function currentTraceparent(): string | undefined {
  const carrier: Record<string, string> = {};
  propagation.inject(context.active(), carrier);
  return carrier[TRACEPARENT];
}

/** Runs `act` in a span; one that came in a header is its parent, else it starts a trace of its own. */
export function inSpan<T>(
  name: string,
  act: (span: Span) => Promise<T>,
  options: { readonly parent?: string | undefined; readonly kind?: 'server' | 'client' | 'internal' } = {},
): Promise<T> {
  const parent =
    options.parent === undefined
      ? context.active()
      : propagation.extract(context.active(), { [TRACEPARENT]: options.parent });
  const kind = { server: SpanKind.SERVER, client: SpanKind.CLIENT, internal: SpanKind.INTERNAL }[
    options.kind ?? 'internal'
  ];
  return tracer().startActiveSpan(name, { kind }, parent, async (span) => {
    try {
      return await act(span);
    } catch (error) {
      // The message of an error may carry what a trace must not; its name is enough to find it in the log.
      span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : 'error' });
      throw error;
    } finally {
      span.end();
    }
  });
}
