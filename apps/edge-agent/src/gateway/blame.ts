import type { Refusal } from '@openward/contracts';
import { refuseTooLong, type CountTokens } from './answer.ts';
import { renderPrompt, type Conversation } from './conversation.ts';
import type { Lease } from './served.ts';
import type { Ended } from './soak.ts';
import { beforeRules, type Admission } from './under-policy.ts';

/** A request that was not answered. `admission` is null where it was refused before its policy was asked. */
interface Unanswered {
  readonly refusal: Refusal;
  readonly admission: Admission | null;
  readonly lease: Lease;
  readonly conversation: Conversation;
  readonly countTokens: CountTokens;
}

/**
 * What a soak makes of it. What the client did wrong, or the site's choice, says nothing of the release. What its policy refuses, or
 * leaves no room for, does; but where the release before would have refused it too, it is the application that sends such things.
 */
export async function blameOf(unanswered: Unanswered): Promise<Exclude<Ended, 'ok'>> {
  const { refusal, admission, lease, conversation } = unanswered;
  if (admission?.kind === 'refused') {
    const { before } = lease;
    const wasRefused =
      before !== null && beforeRules(before.policy.policy, before.release.parameters, conversation).kind === 'refused';
    return wasRefused ? 'left' : 'refused';
  }
  if (refusal.code === 'tooLong') return (await hadRoom(unanswered)) ? 'refused' : 'left';
  if (refusal.code === 'policyFailed') return 'policyFailed';
  return refusal.status >= 500 && refusal.code !== 'policyExpired' ? 'failed' : 'left';
}

/**
 * Whether what is too long now would have fitted beside the text of the release before; where nothing served before, beside none, since
 * then it is the release's own text that leaves no room. Counted with the vocabulary of now; what cannot be counted is not held against
 * the release.
 */
async function hadRoom({ admission, lease, conversation, countTokens }: Unanswered): Promise<boolean> {
  const { release, policy } = lease.before ?? lease;
  const { model, parameters } = release;
  const maxTokens = Math.min(conversation.maxTokens ?? parameters.maxTokens, parameters.maxTokens);
  const turns = admission?.kind === 'go' ? admission.turns : conversation.turns;
  try {
    const prompt = renderPrompt(model.template, lease.before === null ? '' : policy.systemPrompt, turns);
    await refuseTooLong((text) => countTokens(lease, text), model, prompt, maxTokens);
    return true;
  } catch {
    return false;
  }
}
