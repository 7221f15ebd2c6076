import { Refusal, type ModelVersion } from '@openward/contracts';
import { RuntimeRefusal, type GenerateEvent, type GenerateRequest, type Runtime } from '@openward/runtime';
import { renderPrompt, type Turn } from './conversation.ts';
import type { Lease } from './served.ts';
import type { Slots } from './slots.ts';
import { judgesNothing, type Admitted } from './under-policy.ts';

/** Counts tokens with the served model's own vocabulary (G2). */
export type CountTokens = (lease: Lease, prompt: string) => Promise<number>;

/** The marks of the served model's own vocabulary, whichever runtime serves. */
export type MarksOf = (lease: Lease) => Promise<readonly string[]>;

export interface Answering {
  readonly runtime: Runtime;
  readonly slots: Slots;
  readonly countTokens: CountTokens;
  readonly marksOf: MarksOf;
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
 * given back when the iteration ends, however it ends; a caller that may not begin it calls `return`. `ahead` of those who wait for a slot goes only what is no application's.
 */
export async function answer(
  { runtime, slots, countTokens, marksOf }: Answering,
  lease: Lease,
  { turns, generation }: Pick<Admitted, 'turns' | 'generation'>,
  signal: AbortSignal,
  { ahead = false }: { readonly ahead?: boolean } = {},
): Promise<Reply> {
  // A request that the bound refuses costs no more than its reading (G5).
  if (!ahead) slots.refuseWhenFull();
  const vocabulary = { count: (text: string) => countTokens(lease, text), marks: () => marksOf(lease) };
  const asked = await requestOf(vocabulary, lease, { turns, generation });
  const giveBack = await slots.take(signal, { ahead });
  try {
    const events = runtime.generate({ ...asked, model: lease.held.key, signal })[Symbol.asyncIterator]();
    return new Reply(await events.next(), events, giveBack);
  } catch (error) {
    giveBack();
    throw error;
  }
}

interface OwnVocabulary {
  readonly count: (text: string) => Promise<number>;
  readonly marks: () => Promise<readonly string[]>;
}

/**
 * What a runtime is asked, for a clinic and for an evaluation alike. Refuses what could speak in another's name, and what does not fit
 * beside the reply (G2).
 */
export async function requestOf(
  { count, marks }: OwnVocabulary,
  { release, policy }: Pick<Lease, 'release' | 'policy'>,
  { turns, generation }: Pick<Admitted, 'turns' | 'generation'>,
): Promise<Omit<GenerateRequest, 'model' | 'signal'>> {
  const { template } = release.model;
  const { maxTokens, temperature, topP, seed, stop } = generation;
  const prompt = renderPrompt(template, policy.systemPrompt, turns, await marks());
  await refuseTooLong(count, release.model, prompt, maxTokens);
  return {
    prompt,
    maxTokens,
    temperature,
    ...(topP === undefined ? {} : { topP }),
    ...(seed === undefined ? {} : { seed }),
    stop: [...template.stop, ...stop],
  };
}

/** No vocabulary in use makes more tokens of a text than it has bytes, but for a mark or a blank put before it. */
const MARKS_BESIDE = 16;
/** Nor does one token stand for more bytes than this, of a text that people write. */
const MOST_BYTES_A_TOKEN = 64;

/**
 * G2, before the runtime sees the prompt. The model's own vocabulary is asked where the bytes alone do not tell: a short prompt
 * fits in any case, and one that cannot fit must not cost the child that answers everybody its counting.
 */
export async function refuseTooLong(
  count: (text: string) => Promise<number>,
  { contextLength }: Pick<ModelVersion, 'contextLength'>,
  prompt: string,
  maxTokens: number,
): Promise<void> {
  const room = contextLength - maxTokens;
  const bytes = Buffer.byteLength(prompt);
  if (bytes + MARKS_BESIDE <= room) return;
  refuseHopeless(contextLength, bytes);
  const tokens = await count(prompt);
  if (tokens > room)
    throw new Refusal(
      'tooLong',
      `The messages have ${tokens} tokens with the release's own text; ${room} fit beside a reply of ${maxTokens}.`,
    );
}

/**
 * Before any rule reads them: what the model could not read in any case. A rule's time is linear in its text, and a text as long as a
 * body may be would take a rule that is well made over its limit.
 */
export async function refuseUnreadable(
  count: (text: string) => Promise<number>,
  { release, policy }: Pick<Lease, 'release' | 'policy'>,
  turns: readonly Turn[],
): Promise<void> {
  if (judgesNothing(policy.policy)) return;
  const { contextLength } = release.model;
  const bytes = turns.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  if (bytes + MARKS_BESIDE <= contextLength) return;
  refuseHopeless(contextLength, bytes);
  const tokens = await count(turns.map(({ text }) => text).join('\n'));
  if (tokens > contextLength)
    throw new Refusal('tooLong', `The messages have ${tokens} tokens; the model reads ${contextLength}.`);
}

/** What cannot fit however it is counted costs the vocabulary nothing. */
function refuseHopeless(contextLength: number, bytes: number): void {
  if (bytes > contextLength * MOST_BYTES_A_TOKEN)
    throw new Refusal('tooLong', `The messages have ${bytes} bytes; the model reads ${contextLength} tokens.`);
}

/** An iteration that gives its slot back when it ends, by itself or by `return`, and also where it never began. */
export class Reply implements AsyncIterableIterator<GenerateEvent> {
  readonly #events: AsyncIterator<GenerateEvent>;
  readonly #giveBack: () => void;
  #first: IteratorResult<GenerateEvent> | null;
  #isOver = false;

  constructor(first: IteratorResult<GenerateEvent>, events: AsyncIterator<GenerateEvent>, giveBack: () => void) {
    this.#first = first;
    this.#events = events;
    this.#giveBack = giveBack;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<GenerateEvent>> {
    try {
      const next = this.#first ?? (await this.#events.next());
      this.#first = null;
      if (next.done === true) this.#end();
      return next;
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  /** Gives the slot back and tells the runtime, once: what has ended by itself is told nothing. */
  async return(): Promise<IteratorResult<GenerateEvent>> {
    const over: IteratorResult<GenerateEvent> = { done: true, value: undefined };
    if (this.#isOver) return over;
    this.#isOver = true;
    try {
      await this.#events.return?.();
    } finally {
      this.#giveBack();
    }
    return over;
  }

  #end(): void {
    this.#isOver = true;
    this.#giveBack();
  }
}
