import type { PromptPolicy } from '@openward/contracts';
import { withField } from './json-field.ts';
import type { Notice } from './model.ts';

/** Where the notices of one reply stand: around its text, or beside it. */
export interface Noticed {
  readonly before: string;
  readonly after: string;
  readonly beside: readonly Notice[];
}

/** Of a reply that is given as it comes. A field needs the whole reply, so a policy that has one never comes here with notices. */
export function aroundReply({ notices: { place } }: PromptPolicy, notices: readonly Notice[]): Noticed {
  if (place !== 'text') return { before: '', after: '', beside: notices };
  return {
    before: notices
      .filter(({ kind }) => kind === 'escalation')
      .map(({ text }) => `${text}\n\n`)
      .join(''),
    after: notices
      .filter(({ kind }) => kind === 'disclaimer')
      .map(({ text }) => `\n\n${text}`)
      .join(''),
    beside: [],
  };
}

/** A whole reply with its notices. What cannot stand in a field, since the reply is no object, stands beside it. */
export function withNotices(
  policy: PromptPolicy,
  body: string,
  notices: readonly Notice[],
): { readonly text: string; readonly beside: readonly Notice[] } {
  if (policy.notices.place === 'field' && notices.length > 0) {
    const text = withField(body, policy.notices.field, notices.map((it) => it.text).join('\n\n'));
    if (text !== null) return { text, beside: [] };
  }
  const { before, after, beside } = aroundReply(policy, notices);
  return { text: `${before}${body}${after}`, beside };
}
