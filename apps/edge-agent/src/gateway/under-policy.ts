import {
  expiryOf,
  Refusal,
  type GenerationParameters,
  type PolicyOutcome,
  type PromptPolicy,
  type Release,
} from '@openward/contracts';
import type {
  CompiledPolicy,
  Hit,
  InputDecision,
  Monotonic,
  PolicyTurn,
  ReplyFilter,
  WholeReply,
} from '@openward/policy';
import { withoutControls } from './characters.ts';
import type { Conversation, Turn } from './conversation.ts';
import { generationOf, type Generation } from './parameters.ts';
import type { Lease } from './served.ts';

// One request under the policy of its release. Pure: the clocks are parameters. A policy that has no rules costs nothing here but
// the search for control characters.

export type InputGo = InputDecision & { readonly kind: 'go' };
export type InputBlocked = InputDecision & { readonly kind: 'blocked' };

/** What a request brings beside its conversation. */
export interface Circumstances {
  /** As the client asks for it (`accept-language`, or one tag); null: the policy's first. */
  readonly language: string | null;
  /** `YYYY-MM-DD`, in the site's time zone. Asked only under a policy that has rules. */
  readonly today: () => string;
  readonly now: Monotonic;
}

/** What the model is asked, and what the reply is then judged with; null: the policy judges nothing. */
export interface Admitted {
  readonly turns: readonly Turn[];
  readonly generation: Generation;
  readonly input: InputGo | null;
}

/** `given` is what the rules saw. `refused`: the policy lets no rule see the request. */
export type Admission =
  | ({ readonly kind: 'go'; readonly given: readonly Turn[] } & Admitted)
  | { readonly kind: 'blocked'; readonly given: readonly Turn[]; readonly input: InputBlocked }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** Neither rules nor a disclaimer: requests and replies go through as they are. */
export const judgesNothing = ({ rules, disclaimer }: PromptPolicy): boolean =>
  rules.length === 0 && disclaimer === null;

/** What a policy says of a request before any rule reads it, with the code that the client sees where that is no. */
export type Reading =
  | { readonly kind: 'go'; readonly given: readonly Turn[]; readonly generation: Generation }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** The client's system message, control characters, parameters, in this order. */
export function beforeRules(
  policy: PromptPolicy,
  parameters: GenerationParameters,
  conversation: Conversation,
): Reading {
  try {
    if (conversation.hasSystem && policy.clientSystem === 'refuse')
      throw new Refusal('systemRefused', 'A message of the role system or developer is refused by this service.');
    const given = withoutControls(conversation.turns, policy.controlCharacters);
    return { kind: 'go', given, generation: generationOf(policy.parameters, parameters, conversation) };
  } catch (error) {
    if (error instanceof Refusal) return { kind: 'refused', refusal: error };
    throw error;
  }
}

/** Everything that a policy says of a request. Throws `PolicyFailure`. */
export function admit(
  release: Release,
  compiled: CompiledPolicy,
  conversation: Conversation,
  { language, today, now }: Circumstances,
): Admission {
  const { policy } = compiled;
  const reading = beforeRules(policy, release.parameters, conversation);
  if (reading.kind === 'refused') return reading;
  const { given, generation } = reading;
  if (judgesNothing(policy)) return { kind: 'go', given, turns: given, generation, input: null };
  const input = compiled.applyInput({ turns: given, language, today: today() }, now);
  if (input.kind === 'blocked') return { kind: 'blocked', given, input };
  return { kind: 'go', given, turns: input.turns, generation, input };
}

const PLAIN: ReplyFilter = {
  beside: [],
  push: (piece) => piece,
  end: (finishReason) => ({ text: '', finishReason, hits: [], action: 'none', beside: [] }),
};

export const filterOf = (compiled: CompiledPolicy, input: InputGo | null, now: Monotonic): ReplyFilter =>
  input === null ? PLAIN : compiled.openReply(input, now);

export const judgeWhole = (
  compiled: CompiledPolicy,
  input: InputGo | null,
  said: string,
  finishReason: 'stop' | 'length',
  now: Monotonic,
): WholeReply =>
  input === null
    ? { body: said, text: said, finishReason, hits: [], action: 'none', beside: [] }
    : compiled.applyReply(input, said, finishReason, now);

/** A policy that has expired closes no service by itself: it does where the site chose so. */
export function refuseExpired(
  { release: { policy, service }, fallbackText }: Pick<Lease, 'release' | 'fallbackText'>,
  choice: () => 'goOn' | 'fallback',
  wallMs: () => number,
): void {
  if (policy.expires === null || expiryOf(policy, wallMs()).state !== 'expired' || choice() === 'goOn') return;
  throw new Refusal(
    'policyExpired',
    `The policy of ${service.name} expired on ${policy.expires.slice(0, 10)}, and this site chose to stop then. ${fallbackText()}`,
  );
}

/**
 * A conversation's reply as a clinic would get it, for an evaluation: input rules, the model, output rules. `body` is what is
 * graded: the reply without notices, or the refusal's text. `ask` resolves with what the model said of these turns. An evaluation
 * sends no system message and no parameter, so that what a policy says of those refuses nothing here.
 */
export async function answerUnder(
  compiled: CompiledPolicy,
  request: { readonly turns: readonly PolicyTurn[]; readonly language: string | null; readonly today: string },
  ask: (turns: readonly PolicyTurn[]) => Promise<{ readonly text: string; readonly finishReason: 'stop' | 'length' }>,
  now: Monotonic,
): Promise<{ readonly body: string; readonly action: PolicyOutcome; readonly hits: readonly Hit[] }> {
  const turns = withoutControls(request.turns, compiled.policy.controlCharacters);
  const input = compiled.applyInput({ ...request, turns }, now);
  if (input.kind === 'blocked') return { body: input.body, action: 'block', hits: input.hits };
  const said = await ask(input.turns);
  const { body, action, hits } = compiled.applyReply(input, said.text, said.finishReason, now);
  return { body, action, hits: [...input.hits, ...hits] };
}
