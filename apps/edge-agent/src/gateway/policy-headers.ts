import type { PolicyOutcome } from '@openward/contracts';
import { MOST_NOTICE_BYTES, type Hit, type Notice } from '@openward/policy';
import type { ReplyHeaders } from './http.ts';

export interface Spoken {
  readonly action: PolicyOutcome;
  readonly hits: readonly Hit[];
  readonly beside: readonly Notice[];
}

/** Clients and proxies refuse headers that are longer than 8 to 16 kB in all. */
const MOST_RULES = 1_500;

/**
 * What an application learns of the policy beside the text: what was done, by which rules (those in shadow did nothing), and
 * notices, percent-encoded UTF-8, one header each. Nothing where nothing was done.
 */
export function policyHeaders({ action, hits, beside }: Spoken): ReplyHeaders {
  const headers: Record<string, string | string[]> = {};
  if (action !== 'none') headers['x-openward-policy-action'] = action;
  const rules = new Set(hits.filter(({ mode }) => mode === 'enforce').map(({ rule }) => rule));
  if (rules.size > 0) headers['x-openward-policy-rules'] = joined([...rules]);
  if (beside.length > 0) headers['x-openward-notice'] = encoded(beside);
  return headers;
}

/** As many as fit, and how many more there are. */
function joined(rules: readonly string[]): string {
  let length = 0;
  const fitting = rules.filter((rule) => (length += rule.length + 1) <= MOST_RULES);
  const more = rules.length - fitting.length;
  return [...fitting, ...(more > 0 ? [`+${more}`] : [])].join(',');
}

/** A check refuses a policy whose notices do not fit. Escalations stand first, so that nothing but the disclaimer would be cut. */
function encoded(notices: readonly Notice[]): string[] {
  let room = MOST_NOTICE_BYTES;
  return notices.flatMap(({ text }) => {
    let value = '';
    for (const character of text.toWellFormed()) {
      const next = encodeURIComponent(character);
      if (next.length > room) break;
      room -= next.length;
      value += next;
    }
    return value === '' ? [] : [value];
  });
}
