import { Refusal, type ChatTemplate } from '@openward/contracts';
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

/** By the template, which a release keeps as long as it serves. */
const knownMarks = new WeakMap<ChatTemplate, readonly string[]>();

function marksOf(template: ChatTemplate): readonly string[] {
  const known = knownMarks.get(template);
  if (known !== undefined) return known;
  const { bos, system, user, assistant, stop } = template;
  const all = [bos, ...[system, user, assistant].flatMap(({ before, after }) => [before, after]), ...stop];
  const marks = all.filter((mark) => mark.trim() !== '');
  knownMarks.set(template, marks);
  return marks;
}

/**
 * The text that the model was trained on. A message that holds one of the template's marks is refused, since it could speak
 * in another's name: runtimes take marks in a prompt for what they mean.
 */
export function renderPrompt(template: ChatTemplate, systemPrompt: string, turns: readonly Turn[]): string {
  const marks = marksOf(template);
  for (const turn of turns) {
    const mark = marks.find((candidate) => turn.text.includes(candidate));
    if (mark !== undefined)
      throw new Refusal('templateMark', `A message contains ${JSON.stringify(mark)}, a mark of the model's own.`);
  }
  const said = turns.map(({ role, text }) => `${template[role].before}${text}${template[role].after}`);
  const system = systemPrompt === '' ? '' : `${template.system.before}${systemPrompt}${template.system.after}`;
  return `${template.bos}${system}${said.join('')}${template.assistant.before}`;
}
