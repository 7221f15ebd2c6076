import { Refusal } from '@openward/contracts';
import { RuntimeRefusal, type GenerateEvent, type Runtime } from '@openward/runtime';
import { renderPrompt, type Conversation } from './conversation.ts';
import type { Lease } from './served.ts';
import type { Slots } from './slots.ts';

/** Counts tokens with the served model's own vocabulary (G2). */
export type CountTokens = (lease: Lease, prompt: string) => Promise<number>;

export interface Answering {
  readonly runtime: Runtime;
  readonly slots: Slots;
  readonly countTokens: CountTokens;
}

/** The refusal that a client sees for what a runtime said. Its message names no prompt and no reply. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof RuntimeRefusal) {
    if (error.code === 'contextTooLong')
      return new Refusal('tooLong', 'The messages are longer than the model can read.', { cause: error });
    if (error.code === 'queueFull')
      return new Refusal('queueFull', 'Too many requests wait already.', { cause: error });
    return new Refusal('runtimeFailed', `The model runtime could not answer (${error.code}).`, { cause: error });
  }
  return new Refusal('internal', 'Something unexpected went wrong in the gateway.', { cause: error });
}

/**
 * One reply, as events: the first is asked for before this resolves, so that a refusal can still become a status. The slot is
 * given back when the iteration ends, however it ends. `ahead` of those who wait for a slot goes only what is no application's.
 */
export async function answer(
  { runtime, slots, countTokens }: Answering,
  lease: Lease,
  conversation: Conversation,
  signal: AbortSignal,
  { ahead = false }: { readonly ahead?: boolean } = {},
): Promise<AsyncGenerator<GenerateEvent>> {
  const { model, policy, parameters } = lease.release;
  const prompt = renderPrompt(model.template, policy.systemPrompt, conversation.turns);
  const maxTokens = Math.min(parameters.maxTokens, conversation.maxTokens ?? parameters.maxTokens);
  const promptTokens = await countTokens(lease, prompt);
  if (promptTokens + maxTokens > model.contextLength) {
    throw new Refusal(
      'tooLong',
      `The messages have ${promptTokens} tokens with the release's own text; ${model.contextLength - maxTokens} fit beside a reply of ${maxTokens}.`,
    );
  }
  const giveBack = await slots.take(signal, { ahead });
  const events = runtime
    .generate({
      model: lease.held.key,
      prompt,
      maxTokens,
      temperature: parameters.temperature,
      ...(parameters.topP === undefined ? {} : { topP: parameters.topP }),
      ...(parameters.seed === undefined ? {} : { seed: parameters.seed }),
      stop: [...model.template.stop, ...conversation.stop],
      signal,
    })
    [Symbol.asyncIterator]();
  try {
    const first = await events.next();
    return rest(first, events, giveBack);
  } catch (error) {
    giveBack();
    throw error;
  }
}

async function* rest(
  first: IteratorResult<GenerateEvent>,
  events: AsyncIterator<GenerateEvent>,
  giveBack: () => void,
): AsyncGenerator<GenerateEvent> {
  try {
    for (let next = first; !next.done; next = await events.next()) yield next.value;
  } finally {
    await events.return?.();
    giveBack();
  }
}
