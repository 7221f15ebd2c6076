import type { Refusal } from '@openward/contracts';
import type { Conversation } from './conversation.ts';

export interface ReplyFacts {
  readonly id: string;
  readonly service: string;
  readonly createdMs: number;
}

export interface Ending {
  /** `content_filter`: the text is a refusal of the policy. Both APIs, or their clients, know the word. */
  readonly finishReason: 'stop' | 'length' | 'content_filter';
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly elapsedMs: number;
}

/** How one API's requests are read and its replies are written. All of it is pure. */
export interface Dialect {
  readonly streamType: string;
  parse(body: unknown): Conversation;
  whole(facts: ReplyFacts, text: string, ending: Ending): unknown;
  /** What goes out before the first text, for each piece, and at the end. */
  first(facts: ReplyFacts): string;
  piece(facts: ReplyFacts, text: string): string;
  last(facts: ReplyFacts, ending: Ending, conversation: Conversation): string;
  /** After the first byte an error is one more event of the stream. */
  failed(refusal: Refusal): string;
  error(refusal: Refusal): unknown;
}
