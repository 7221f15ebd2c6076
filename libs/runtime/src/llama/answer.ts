import {
  LlamaGrammarEvaluationState,
  type Llama,
  type LlamaGrammar,
  type LlamaModel,
  type Token,
} from 'node-llama-cpp';

import { RuntimeRefusal } from '../refusal.ts';
import { ReplyText } from './reply-text.ts';
import { TokenText } from './token-text.ts';
import type { LoadedSet } from './loaded-set.ts';
import type { End, Question } from './wire.ts';

/** Tokens of a prompt that are read without looking whether the caller is still there. */
const PROMPT_STEP = 128;
/** A grammar lets white space follow the value; a model that never ends would write it until its room is used up. */
const AFTER_THE_VALUE = '\n\n\n\n';

export interface Answering {
  readonly isCancelled: () => boolean;
  readonly say: (text: string) => void;
}

export function tokensOf(model: LlamaModel, text: string): Token[] {
  const tokens = model.tokenize(text, true);
  const { bos, shouldPrependBosToken } = model.tokens;
  return shouldPrependBosToken && bos !== null && tokens[0] !== bos ? [bos, ...tokens] : tokens;
}

/** Answers by greedy or sampled decoding, in a sequence of its own, with no context shift. */
export async function answer(set: LoadedSet, question: Question, grammar: LlamaGrammar | undefined, to: Answering) {
  const tokens = tokensOf(set.model, question.prompt);
  const room = set.request.contextLength - tokens.length;
  if (room < 1) throw tooLong(tokens.length, set.request.contextLength);
  return set.withSequence(async (sequence): Promise<End> => {
    const read = await readPrompt(tokens, to, async (part) => sequence.evaluateWithoutGeneratingNewTokens(part));
    const most = Math.min(question.maxTokens, room);
    const reply = new ReplyText(
      grammar === undefined ? question.stop : [...question.stop, AFTER_THE_VALUE],
      grammar !== undefined,
    );
    const text = new TokenText((part) => set.model.detokenize([...part] as Token[]), tokens.slice(-4));
    const end = (finishReason: 'stop' | 'length', completionTokens: number): End => {
      send(reply.add(text.finish()) + reply.finish(), to);
      return { finishReason, promptTokens: tokens.length, completionTokens };
    };
    let generated = 0;
    for await (const token of sequence.evaluate(read, samplingOf(set.model, question, grammar))) {
      assertWanted(to);
      generated += 1;
      if (set.model.isEogToken(token)) return end('stop', generated);
      send(reply.add(text.add(token)), to);
      if (reply.isStopped) return end('stop', generated);
      if (generated >= most) return end('length', generated);
    }
    return end('stop', generated);
  });
}

/** Reads all but the last step of a prompt in steps, so that a caller who leaves need not be waited for. */
async function readPrompt(tokens: Token[], to: Answering, read: (part: Token[]) => Promise<void>): Promise<Token[]> {
  let at = 0;
  for (; tokens.length - at > PROMPT_STEP; at += PROMPT_STEP) {
    assertWanted(to);
    await read(tokens.slice(at, at + PROMPT_STEP));
  }
  assertWanted(to);
  return tokens.slice(at);
}

function samplingOf(model: LlamaModel, question: Question, grammar: LlamaGrammar | undefined) {
  const { temperature, topP, seed } = question;
  const grammarEvaluationState = grammar && new LlamaGrammarEvaluationState({ model, grammar });
  return {
    temperature,
    topP,
    topK: 0,
    seed,
    yieldEogToken: true,
    ...(grammarEvaluationState === undefined ? {} : { grammarEvaluationState }),
  };
}

export async function grammarFor(llama: Llama, format: Readonly<Record<string, unknown>>): Promise<LlamaGrammar> {
  try {
    return await llama.createGrammarForJsonSchema(format as Parameters<Llama['createGrammarForJsonSchema']>[0]);
  } catch (cause) {
    throw new RuntimeRefusal('invalidRequest', 'The format is a JSON schema that llama.cpp cannot hold a reply to.', {
      cause,
    });
  }
}

function send(text: string, to: Answering): void {
  if (text !== '') to.say(text);
}

function assertWanted(to: Answering): void {
  if (to.isCancelled()) throw new RuntimeRefusal('aborted', 'The caller stopped this request.');
}

const tooLong = (tokens: number, contextLength: number): RuntimeRefusal =>
  new RuntimeRefusal(
    'contextTooLong',
    `The prompt has ${tokens} tokens and the context ${contextLength}, which leaves no room for a reply; shorten it.`,
  );
