import { headers, type MsgHdrs } from '@nats-io/nats-core';

// The W3C trace context in NATS headers, carried through. Nothing else of a trace crosses (G4).

const HEADER = 'traceparent';
const FORM = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

export function traceHeaders(traceparent: string | undefined): MsgHdrs | undefined {
  if (traceparent === undefined || !FORM.test(traceparent)) return undefined;
  const made = headers();
  made.set(HEADER, traceparent);
  return made;
}

/** Of a message that came in; what is not of the form is as if it were not there. */
export function traceOf(message: { readonly headers?: MsgHdrs | undefined }): { readonly traceparent?: string } {
  const found = message.headers?.get(HEADER) ?? '';
  return FORM.test(found) ? { traceparent: found } : {};
}
