import type { IncomingMessage, ServerResponse } from 'node:http';
import { Refusal, type PromptPolicy } from '@openward/contracts';
import { PolicyFailure, strongest, type Hit, type ReplyEnd } from '@openward/policy';
import { answer, refusalOf, refuseUnreadable } from './answer.ts';
import { blameOf } from './blame.ts';
import type { Conversation } from './conversation.ts';
import type { Dialect, ReplyFacts } from './dialect.ts';
import { faultOf, toldRefusal } from './fault.ts';
import type { Deed, GatewayOptions, Seen } from './gateway.ts';
import { readJson, sendRefusal, type ReplyHeaders } from './http.ts';
import { policyHeaders } from './policy-headers.ts';
import type { Lease } from './served.ts';
import { sendFinished, sendStream, sendWhole, type Outcome } from './sending.ts';
import type { Ended } from './soak.ts';
import { countsOnly, keepForShadow, type Shadow, type ShadowJudge } from './shadow.ts';
import { admit, refuseExpired, type Admission } from './under-policy.ts';

// One conversation from its body to its last byte.

/** What may be said of a request in a log, by `log` of the policy; beside it stands only that a rule failed. Never a text. */
export interface PolicyNote {
  readonly action?: Deed;
  readonly ruleIds?: readonly string[];
  readonly language?: string;
}

/** What became of one conversation under its policy, as far as it came. */
interface Judged {
  admission: Admission | null;
  end: ReplyEnd | null;
  /** A rule that could not be applied, with the red flags that were seen before. */
  failure: PolicyFailure | null;
  /** Kept for rules that only count; null: too long. */
  said: string | null;
  /** Rules in shadow of the policy that serves, and the next policy. */
  readonly hasOwnShadow: boolean;
  readonly shadow: Shadow | null;
}

interface Asking {
  readonly options: GatewayOptions;
  readonly dialect: Dialect;
  readonly conversation: Conversation;
  readonly lease: Lease;
  readonly judged: Judged;
  readonly seen: Seen;
  readonly signal: AbortSignal;
  /** As the client asks for it. */
  readonly language: string | null;
  readonly refusalOf: (error: unknown, hasSpoken: boolean) => Refusal;
}

/** A failure has the status of its refusal, also where the client was sent another before. */
const STATUS_OF = { ok: 200, left: 499 } as const;
/** The client went away: nginx's number for it. */
const CLIENT_LEFT = STATUS_OF.left;

/** Sends the reply, or the refusal that is told in its place; what is said before a service is known is thrown. */
export async function reply(
  options: GatewayOptions,
  seen: Seen,
  shadows: ShadowJudge,
  dialect: Dialect,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => {
    if (!response.writableFinished) gone.abort(new Error('the client went away'));
  });
  const conversation = dialect.parse(await readJson(request, options.limits));
  const { service } = conversation;
  if (options.served.has(service)) seen.service = service;
  const lease = await options.served.lease(service, seen.application);
  const judged: Judged = {
    admission: null,
    end: null,
    failure: null,
    said: '',
    hasOwnShadow: countsOnly(lease.policy),
    shadow: shadowFor(options, service),
  };
  const language = languageOf(request);
  const tell = (error: unknown, hasSpoken: boolean): Refusal => {
    const refusal = refusalIn(options, seen, lease, judged, gone.signal, error);
    seen.status = refusal.status;
    return hasSpoken ? refusal : withEscalations(refusal, judged);
  };
  let outcome: Ended = 'failed';
  try {
    seen.headers = replyHeaders(seen.id, lease);
    refuseExpired(lease, options.policies.onExpiry, options.wall);
    const asking = { options, dialect, conversation, lease, judged, seen, signal: gone.signal, language };
    const ended = await converse({ ...asking, refusalOf: tell }, response);
    outcome = ended;
    if (ended === 'ok' || ended === 'left') seen.status = STATUS_OF[ended];
  } catch (error) {
    const refusal = tell(error, false);
    // Before any bookkeeping, which may count tokens once more.
    sendRefusal(response, refusal, (told) => dialect.error(told), seen.headers);
    const { admission } = judged;
    if (gone.signal.aborted) {
      outcome = 'left';
      seen.status = CLIENT_LEFT;
    } else {
      outcome = await blameOf({ refusal, admission, lease, conversation, countTokens: options.countTokens });
    }
  } finally {
    lease.end(outcome);
    account(options, seen, shadows, lease, judged, conversation, language);
  }
}

/** Whatever is wrong with a shadow, no request hears of it. */
function shadowFor({ policies }: GatewayOptions, service: string): Shadow | null {
  try {
    return policies.shadowOf(service);
  } catch {
    return null;
  }
}

/** What is longer says nothing that a browser would say. */
const MOST_LANGUAGE_HEADER = 500;

function languageOf({ headers }: IncomingMessage): string | null {
  const accepted = headers['accept-language'];
  return accepted === undefined || accepted.length > MOST_LANGUAGE_HEADER ? null : accepted;
}

/** G3: for the application to keep beside the text. */
const replyHeaders = (id: string, { release, held }: Lease): ReplyHeaders => ({
  'x-openward-request-id': id,
  'x-openward-release': String(release.number),
  'x-openward-release-digest': held.release,
  'x-openward-policy': `${release.policy.id}@${release.policy.revision}`,
  'x-openward-policy-revision': String(release.policy.revision),
});

async function converse(asking: Asking, response: ServerResponse): Promise<Outcome> {
  const { options, dialect, conversation, lease, judged, seen, signal } = asking;
  const facts: ReplyFacts = { id: seen.id, service: conversation.service, createdMs: options.wall() };
  const elapsed = () => options.monotonic() - seen.began;
  // A request that the bound refuses costs no more than its reading (G5, G2).
  options.slots.refuseWhenFull();
  await refuseUnreadable((text) => options.countTokens(lease, text), lease, conversation.turns);
  const admission = admit(lease.release, lease.policy, conversation, {
    language: asking.language,
    today: options.policies.today,
    now: options.monotonic,
  });
  judged.admission = admission;
  if (admission.kind === 'refused') throw admission.refusal;
  if (admission.kind === 'blocked') {
    const { text, hits } = admission.input;
    const ending = { finishReason: 'content_filter', promptTokens: 0, completionTokens: 0 } as const;
    const headers = policyHeaders({ action: 'block', hits, beside: [] });
    const given = { dialect, facts, conversation, headers: seen.headers };
    sendFinished(given, response, text, { ...ending, elapsedMs: elapsed() }, headers);
    return 'ok';
  }
  const events = await answer(options, lease, admission, signal);
  seen.firstMs = elapsed();
  const send = conversation.stream ? sendStream : sendWhole;
  const sending = {
    dialect,
    facts,
    conversation,
    headers: seen.headers,
    signal,
    elapsed,
    compiled: lease.policy,
    input: admission.input,
    now: options.monotonic,
    // As long as it may take to send what it asks.
    mostUnreadMs: options.limits.ms,
    ended: (end: ReplyEnd) => void (judged.end = end),
    said:
      judged.shadow === null && !judged.hasOwnShadow
        ? () => {}
        : (piece: string) => void (judged.said = keepForShadow(judged.said, piece)),
    refusalOf: asking.refusalOf,
  };
  try {
    return await send(sending, events, response);
  } finally {
    await events.return();
  }
}

/** A red flag that was seen is told, also where no reply follows. */
function withEscalations(refusal: Refusal, { admission, failure }: Judged): Refusal {
  const notices = failure?.found?.notices ?? (admission?.kind === 'go' ? admission.input?.notices : null) ?? [];
  const told = notices.filter(({ kind }) => kind === 'escalation').map(({ text }) => text);
  if (told.length === 0) return refusal;
  return new Refusal(refusal.code, [...told, refusal.message].join('\n\n'), { cause: refusal });
}

/** That a client went away is nobody's fault, and no news to a log. */
function refusalIn(
  options: GatewayOptions,
  seen: Seen,
  lease: Lease,
  judged: Judged,
  gone: AbortSignal,
  error: unknown,
): Refusal {
  if (!(error instanceof PolicyFailure)) return gone.aborted ? refusalOf(error) : toldRefusal(options, seen, error);
  judged.failure = error;
  return failedRule(options, seen, lease, error);
}

/** Fails closed: what a rule could not judge is not said. */
function failedRule(
  { policies, wall, log }: GatewayOptions,
  seen: Seen,
  { release, fallbackText }: Lease,
  failure: PolicyFailure,
): Refusal {
  seen.action = 'failed';
  const { name } = release.service;
  const { id, revision } = release.policy;
  policies.counts.failed(name, release.policy, failure.rule, wall());
  // That a service gave its fallback has to be found again, whatever the policy lets a log say; of which rule, it says.
  const rule = release.policy.log.includes('ruleIds') ? { rule: failure.rule } : {};
  const why = { service: name, policy: `${id}@${revision}`, ...rule, ...faultOf(failure.cause) };
  log.warn('gateway.policyFailed', { reference: seen.id, ...why });
  return new Refusal(
    'policyFailed',
    `The rule ${failure.rule} of the policy of ${name} could not be applied. ${fallbackText()}`,
    { cause: failure },
  );
}

/** After the reply is given. */
function account(
  { policies: { counts } }: GatewayOptions,
  seen: Seen,
  shadows: ShadowJudge,
  lease: Lease,
  judged: Judged,
  conversation: Conversation,
  language: string | null,
): void {
  const { admission, end, failure, said, hasOwnShadow, shadow } = judged;
  const { policy, service, parameters } = lease.release;
  const found = failure?.found ?? null;
  if (admission === null) {
    if (failure !== null) counts.judged(service.name, policy, 'input', found?.hits ?? []);
    if (found !== null) seen.policy = noteOf(policy.log, 'failed', found.hits, found.language);
    return;
  }
  if (admission.kind === 'refused') {
    seen.action = 'refused';
    seen.policy = policy.log.includes('action') ? { action: 'refused' } : null;
    counts.refused(service.name, policy, 'enforce');
  } else if (admission.input !== null) {
    const { input } = admission;
    counts.judged(service.name, policy, 'input', input.hits);
    const ofReply = end?.hits ?? found?.hits ?? [];
    const isRead = end !== null || failure !== null;
    if (isRead && lease.policy.stream.kind !== 'pass') counts.judged(service.name, policy, 'output', ofReply);
    seen.action ??= admission.kind === 'blocked' ? 'block' : (end?.action ?? strongest(input.hits));
    seen.policy = noteOf(policy.log, seen.action, [...input.hits, ...ofReply], input.language);
  }
  shadows.judge({
    service: service.name,
    own: hasOwnShadow && admission.kind !== 'refused' ? { compiled: lease.policy, given: admission.given } : null,
    next: shadow === null ? null : { shadow, parameters },
    conversation,
    reply: admission.kind === 'go' && end !== null ? said : null,
    language,
  });
}

function noteOf(log: PromptPolicy['log'], action: Deed, hits: readonly Hit[], language: string): PolicyNote | null {
  if (log.length === 0 || hits.length === 0) return null;
  return {
    ...(log.includes('action') ? { action } : {}),
    ...(log.includes('ruleIds') ? { ruleIds: [...new Set(hits.map(({ rule }) => rule))] } : {}),
    ...(log.includes('language') ? { language } : {}),
  };
}
