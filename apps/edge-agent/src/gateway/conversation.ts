import { Refusal, type ChatTemplate } from '@openward/contracts';
import { templateMarks, vocabularyMarks } from './marks.ts';
import type { Asked } from './parameters.ts';

// What both APIs come down to. A reply depends on this, on the release, on the language that is asked for, and on nothing else that
// a client sends.

export interface Turn {
  readonly role: 'user' | 'assistant';
  readonly text: string;
}

export interface Conversation {
  /** The model name of the request: a service. */
  readonly service: string;
  readonly turns: readonly Turn[];
  /** Whether a turn opens with a system message of the client's. */
  readonly hasSystem: boolean;
  readonly stream: boolean;
  /** The client's wish; the release's own limit stands above it. */
  readonly maxTokens: number | null;
  readonly stop: readonly string[];
  /** For the policy's parameter rules; null: the agent's own, which is under none. */
  readonly asked: Asked | null;
  /** OpenAI's `stream_options.include_usage`. */
  readonly includeUsage: boolean;
}

/**
 * The text that the model was trained on. A message that holds a mark of the template or of the model's own vocabulary is refused, since
 * it could speak in another's name: runtimes take marks in a prompt for what they mean. `own`: none where the prompt is not for a model.
 */
export function renderPrompt(
  template: ChatTemplate,
  systemPrompt: string,
  turns: readonly Turn[],
  own: readonly string[] = [],
): string {
  for (const turn of turns) {
    const mark = templateMarks(template).findIn(turn.text) ?? vocabularyMarks(own).findIn(turn.text);
    if (mark !== null)
      throw new Refusal('templateMark', `A message contains ${JSON.stringify(mark)}, a mark of the model's own.`);
  }
  const said = turns.map(({ role, text }) => `${template[role].before}${text}${template[role].after}`);
  const system = systemPrompt === '' ? '' : `${template.system.before}${systemPrompt}${template.system.after}`;
  return `${template.bos}${system}${said.join('')}${template.assistant.before}`;
}
