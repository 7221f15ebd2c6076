import { Unrecoverable, type Held } from '@openward/activation';
import { EvaluationFailure, Refusal, type Log, type PromptPolicy } from '@openward/contracts';
import type { Reply } from '@openward/evaluation';
import { PolicyFailure, type CompiledPolicy, type Monotonic } from '@openward/policy';
import { RuntimeRefusal, type GenerateRequest, type Runtime } from '@openward/runtime';
import { refuseUnreadable, requestOf } from '../gateway/answer.ts';
import { generationOf } from '../gateway/parameters.ts';
import { answerUnder } from '../gateway/under-policy.ts';
import type { Documents } from './documents.ts';
import type { LoadedReleases } from './model-runtime.ts';

// One item of an evaluation, as a clinic that asked it would hear it: bounded as a clinic's request is, under the release's own policy.

export interface EvaluationAnswering {
  readonly documents: Pick<Documents, 'release'>;
  readonly models: Pick<LoadedReleases, 'ensure' | 'countTokens' | 'marks'>;
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
    const marks = () => options.models.marks(held);
    const turns = [{ role: 'user' as const, text }];
    await refuseUnreadable(count, { release, policy }, turns);
    const { body } = await answerUnder(
      policy,
      { turns, language, today: options.today() },
      async (admitted) => {
        const generation = generationOf(release.policy.parameters, release.parameters, UNASKED);
        const asked = await requestOf({ count, marks }, { release, policy }, { turns: admitted, generation });
        return ask(options.runtime, { ...asked, model, signal });
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

/** As a client that names no parameter is answered. */
const UNASKED = { maxTokens: null, stop: [], asked: null } as const;

async function ask(
  runtime: Pick<Runtime, 'generate'>,
  request: GenerateRequest,
): Promise<{ readonly text: string; readonly finishReason: 'stop' | 'length' }> {
  let text = '';
  for await (const event of runtime.generate(request)) {
    if (event.type === 'end') return { text, finishReason: event.finishReason };
    text += event.text;
  }
  // Half a reply is none that a clinic would get.
  throw new RuntimeRefusal('runtimeFailed', 'the reply ended before it was whole');
}
