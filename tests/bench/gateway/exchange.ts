import { createHash } from 'node:crypto';

// What is asked in every comparison, and the shapes of the fake runtime, which are those of Ollama.

export const KEY = 'owk-bench-key';
export const KEY_DIGEST = createHash('sha256').update(KEY).digest('hex');
export const SERVICE = 'triage';
export const SYSTEM = 'Triage: emergency or routine.';
const TEXT = 'Aged 19, comes in with diabetes, vomiting and great thirst for an hour. Is worried.';

export const chatBody = JSON.stringify({ model: SERVICE, messages: [{ role: 'user', content: TEXT }], temperature: 0 });

export interface GenerateBody {
  readonly model: string;
  readonly prompt: string;
  readonly stream: false;
  readonly options: { readonly num_predict: number; readonly temperature: number; readonly stop: readonly string[] };
}

export interface GenerateReply {
  readonly response: string;
  readonly done_reason: 'stop' | 'length';
  readonly prompt_eval_count: number;
  readonly eval_count: number;
}

export const promptOf = (system: string, text: string): string => `<s><sys>${system}<usr>${text}<ans>`;

export const generateBody = (model: string, prompt: string, maxTokens: number): GenerateBody => ({
  model,
  prompt,
  stream: false,
  options: { num_predict: maxTokens, temperature: 0, stop: ['</s>'] },
});

export const directBody = JSON.stringify(generateBody(SERVICE, promptOf(SYSTEM, TEXT), 8));
