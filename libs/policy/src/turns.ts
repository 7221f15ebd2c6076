import type { PolicyTurn } from './model.ts';

export interface PolicyMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/**
 * The turns that rules read. A client's system text is demoted: it opens the user's turn, and never stands where the release's own
 * does.
 */
export function joinTurns(messages: readonly PolicyMessage[]): PolicyTurn[] {
  const turns: PolicyTurn[] = [];
  let preface = '';
  for (const { role, content } of messages) {
    if (role === 'system') {
      preface += `${content}\n`;
      continue;
    }
    turns.push({ role, text: role === 'user' ? preface + content : content });
    if (role === 'user') preface = '';
  }
  if (preface !== '') turns.push({ role: 'user', text: preface.trimEnd() });
  return turns;
}
