import type { GenerateEvent, GenerateRequest, LoadRequest, RuntimeExit } from '../port.ts';
import { RuntimeRefusal } from '../refusal.ts';
import type { KnownVocabulary } from '../llama/vocabulary.ts';
import { abortedBy } from '../slots.ts';
import { OllamaError, refusalFor } from './failures.ts';
import { optionsOf, type Place } from './place.ts';

interface Answering {
  readonly request: LoadRequest;
  readonly model: string;
  readonly place: Place;
  readonly vocabulary: KnownVocabulary;
}

/** One reply by Ollama, within the context's length by our own count. */
export async function* answer(
  { place, model, vocabulary, request: set }: Answering,
  request: GenerateRequest,
  tell: (exit: RuntimeExit) => void,
): AsyncGenerator<GenerateEvent> {
  await place.assertSafe();
  const counted = await vocabulary.countTokens(request.prompt);
  const room = set.contextLength - counted;
  if (room < 1) throw tooLong(counted, set.contextLength);
  const body = {
    model,
    prompt: withoutBos(request.prompt, vocabulary.bos),
    stream: true,
    keep_alive: -1,
    truncate: false,
    shift: false,
    options: { ...optionsOf(set), ...samplingOf(request), num_predict: Math.min(request.maxTokens, room) },
    ...(request.format === undefined ? {} : { format: request.format }),
  };
  try {
    if (request.signal?.aborted) throw abortedBy(request.signal);
    let pieces = 0;
    for await (const part of place.server.generate(body, request.signal)) {
      if (part.response) {
        pieces += 1;
        yield { type: 'text', text: part.response };
      }
      if (part.done !== true) continue;
      const finishReason = part.done_reason === 'length' ? 'length' : 'stop';
      const promptTokens = part.prompt_eval_count ?? counted;
      yield { type: 'end', finishReason, promptTokens, completionTokens: part.eval_count ?? 0 };
      return;
    }
    // Ollama breaks a reply off, in order but without a last word, once the model has said one token thirty times over.
    yield { type: 'end', finishReason: 'length', promptTokens: counted, completionTokens: pieces };
  } catch (cause) {
    if (request.signal?.aborted) throw abortedBy(request.signal);
    const refusal = refusalFor(cause, 'generate');
    // Ollama itself still answers, so it was its process for this model; Ollama's own end shows at the silent connection.
    if (refusal.code === 'runtimeExited' && cause instanceof OllamaError) {
      tell({ at: 'runtime', reason: `Ollama's process for ${model} ended` });
    }
    throw refusal;
  }
}

/** Every option that Ollama would otherwise fill in with a default that changes the answer. */
const samplingOf = ({ temperature, topP, seed, stop }: GenerateRequest) => ({
  temperature,
  top_p: topP ?? 1,
  top_k: 0,
  min_p: 0,
  repeat_penalty: 1,
  repeat_last_n: 0,
  presence_penalty: 0,
  frequency_penalty: 0,
  stop,
  ...(seed === undefined ? {} : { seed }),
});

/** Ollama adds the token itself where the vocabulary asks for it; then a prompt that has it would have it twice. */
const withoutBos = (prompt: string, bos: string | undefined): string =>
  bos !== undefined && prompt.startsWith(bos) ? prompt.slice(bos.length) : prompt;

const tooLong = (tokens: number, contextLength: number): RuntimeRefusal =>
  new RuntimeRefusal(
    'contextTooLong',
    `The prompt has ${tokens} tokens and the context ${contextLength}, which leaves no room for a reply; shorten it.`,
  );
