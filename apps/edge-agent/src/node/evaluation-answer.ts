import { Unrecoverable, type Held } from '@openward/activation';
import { EvaluationFailure, Refusal, type Log, type PromptPolicy, type Release } from '@openward/contracts';
import type { Reply } from '@openward/evaluation';
import { PolicyFailure, type CompiledPolicy, type Monotonic } from '@openward/policy';
import { RuntimeRefusal, type Runtime } from '@openward/runtime';
import { refuseTooLong, refuseUnreadable } from '../gateway/answer.ts';
import { renderPrompt } from '../gateway/conversation.ts';
import { answerUnder } from '../gateway/under-policy.ts';
import type { Documents } from './documents.ts';
import type { LoadedReleases } from './model-runtime.ts';

// One item of an evaluation, as a clinic that asked it would hear it: bounded as a clinic's request is, under the release's own policy.

export interface EvaluationAnswering {
  readonly documents: Pick<Documents, 'release'>;
  readonly models: Pick<LoadedReleases, 'ensure' | 'countTokens'>;
  readonly runtime: Pick<Runtime, 'generate'>;
  readonly compile: (policy: PromptPolicy) => CompiledPolicy;
  /** `YYYY-MM-DD`, in the site's time zone. */
  readonly today: () => string;
  readonly monotonic: Monotonic;
  readonly log: Log;
}

/** Refusals of a request for what it says: a clinic gets no reply to it, and so the item has none, which no label equals. */
const UNANSWERED: ReadonlySet<Refusal['code']> = new Set(['controlCharacters', 'templateMark']);
const NO_REPLY: Reply = { kind: 'text', text: '' };

/** A failure of the runtime or of a rule is an outcome, not an end; only an abort rejects. */
export async function answerItem(
  options: EvaluationAnswering,
  held: Held,
  text: string,
  language: string | null,
  signal: AbortSignal,
): Promise<Reply> {
  try {
    const release = await options.documents.release(held.release, held.document);
    const model = await options.models.ensure(held);
    const policy = options.compile(release.policy);
    const count = (prompt: string) => options.models.countTokens(held, prompt);
    const turns = [{ role: 'user' as const, text }];
    await refuseUnreadable(count, { release, policy }, turns);
    const { body } = await answerUnder(
      policy,
      { turns, language, today: options.today() },
      async (admitted) => {
        const prompt = renderPrompt(release.model.template, policy.systemPrompt, admitted);
        await refuseTooLong(count, release.model, prompt, release.parameters.maxTokens);
        return ask(options.runtime, release, prompt, model, signal);
      },
      options.monotonic,
    );
    return { kind: 'text', text: body };
  } catch (error) {
    signal.throwIfAborted();
    const told = { release: held.release, variant: held.variant };
    if (error instanceof Refusal && UNANSWERED.has(error.code)) {
      options.log.info('evaluation.itemRefused', { ...told, code: error.code });
      return NO_REPLY;
    }
    const code = failureOf(error);
    // The codes and a rule's id alone: a message could hold what a runtime said of a record.
    const rule = error instanceof PolicyFailure ? { rule: error.rule } : {};
    options.log.warn('evaluation.answerFailed', { ...told, code, ...rule });
    return { kind: 'failed', code };
  }
}

function failureOf(error: unknown): EvaluationFailure {
  if (error instanceof PolicyFailure) return 'policyFailed';
  if (error instanceof Refusal) return error.code === 'tooLong' ? 'contextTooLong' : 'internal';
  if (!(error instanceof RuntimeRefusal) && !(error instanceof Unrecoverable)) return 'internal';
  const known = EvaluationFailure.safeParse(error.code);
  if (known.success) return known.data;
  return error instanceof RuntimeRefusal ? 'runtimeFailed' : 'internal';
}

async function ask(
  runtime: Pick<Runtime, 'generate'>,
  { model: { template }, parameters }: Release,
  prompt: string,
  model: string,
  signal: AbortSignal,
): Promise<{ readonly text: string; readonly finishReason: 'stop' | 'length' }> {
  let text = '';
  let finishReason: 'stop' | 'length' = 'stop';
  const events = runtime.generate({
    model,
    prompt,
    maxTokens: parameters.maxTokens,
    temperature: parameters.temperature,
    ...(parameters.topP === undefined ? {} : { topP: parameters.topP }),
    ...(parameters.seed === undefined ? {} : { seed: parameters.seed }),
    stop: template.stop,
    signal,
  });
  for await (const event of events) {
    if (event.type === 'text') text += event.text;
    else if (event.type === 'end') finishReason = event.finishReason;
  }
  return { text, finishReason };
}
