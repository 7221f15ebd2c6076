import type {
  PolicyOutcome,
  PolicyRule,
  PolicyStage,
  PromptPolicy,
  RuleDoes,
  RuleId,
  RuleMode,
} from '@openward/contracts';
import type { Pattern } from './patterns.ts';
import type { TextWords } from './words.ts';

// What the parts of the library, and those who use it, hand to each other. Everything here is a value; nothing does I/O, and the
// clock is a parameter.

/** Why a policy is refused. `where` is a path such as `rules[3].match.pattern`. */
export interface PolicyFinding {
  readonly code: PolicyFindingCode;
  readonly where: string;
  /** What is wrong and what to do about it, for the policy's author. */
  readonly message: string;
}

export type PolicyFindingCode =
  | 'shape'
  | 'tooLarge'
  | 'tooManyRules'
  | 'tooManyPhrases'
  | 'patternInvalid'
  | 'patternTooLarge'
  | 'patternMatchesEmpty'
  | 'templateInvalid'
  | 'templateSelfReference'
  | 'variableUnknown'
  | 'textMissing'
  | 'languageMissing'
  | 'schemaUnsupported'
  | 'schemaTooLarge'
  | 'stageMismatch'
  | 'actionMismatch'
  | 'noticeBreaksSchema'
  | 'duplicate'
  | 'testMissing'
  | 'testFailed'
  /** A rule takes far longer than its limit; or the check takes longer, or more memory, than any policy's. */
  | 'tooSlow'
  | 'siteTermInvalid'
  /** A node says neither that the policy runs there nor that it does not (`policyWithheld`). */
  | 'verdictWithheld';

/** What a site brings to every policy that it runs. */
export interface SiteTerms {
  /** The form of its medical record numbers, in RE2 syntax; null: it gave none, and the rule finds nothing. */
  readonly recordNumber: string | null;
  /** Its values for variables that are `setBySite`, by name. Others are ignored. */
  readonly variables: Readonly<Record<string, string>>;
}

export const NO_SITE_TERMS: SiteTerms = { recordNumber: null, variables: {} };

/** A stretch of the text that was searched: UTF-16 offsets into the original. */
export interface Span {
  readonly start: number;
  readonly end: number;
  /** What stands there instead, where the finder knows better than the rule's marker (an age for a date of birth). */
  readonly instead?: string;
}

/** One rule that hit one text. `count` is its matches there. Never the text itself. */
export interface Hit {
  readonly rule: RuleId;
  readonly stage: PolicyStage;
  readonly does: RuleDoes;
  readonly mode: RuleMode;
  readonly count: number;
}

/** A text that goes beside a reply: an escalation's or the disclaimer. */
export interface Notice {
  readonly kind: 'escalation' | 'disclaimer';
  readonly rule: RuleId | null;
  readonly text: string;
}

export interface PolicyTurn {
  readonly role: 'user' | 'assistant';
  readonly text: string;
}

export interface PolicyRequest {
  readonly turns: readonly PolicyTurn[];
  /** As the client asks for (BCP 47), or null: the policy's first. */
  readonly language: string | null;
  /** `YYYY-MM-DD`, in the site's time zone. */
  readonly today: string;
}

/** Milliseconds of a monotonic clock: what a rule's time limit is measured by. */
export type Monotonic = () => number;

/**
 * A rule that could not be applied: it took longer than its limit, or broke. The request is answered with the service's fallback,
 * and a code of its own.
 */
export class PolicyFailure extends Error {
  override readonly name = 'PolicyFailure';
  readonly rule: RuleId;
  /** What was found before; null: nothing is known of it. */
  readonly found: FoundBefore | null;
  constructor(
    rule: RuleId,
    message: string,
    { found = null, ...options }: { readonly cause?: unknown; readonly found?: FoundBefore | null } = {},
  ) {
    super(message, options);
    this.rule = rule;
    this.found = found;
  }

  /** The same failure, that came after this was found. */
  after(found: FoundBefore): PolicyFailure {
    return new PolicyFailure(this.rule, this.message, { cause: this.cause, found });
  }
}

/** Red flags that were seen before a rule could not be applied: they are told, whatever else is not. */
export interface FoundBefore {
  readonly language: string;
  readonly notices: readonly Notice[];
  readonly hits: readonly Hit[];
}

/** What the rules of the input stage make of a request. */
export type InputDecision =
  | {
      readonly kind: 'go';
      /** What the model is asked. */
      readonly turns: readonly PolicyTurn[];
      readonly language: string;
      readonly today: string;
      /** In the order in which they stand before the reply. */
      readonly notices: readonly Notice[];
      readonly hits: readonly Hit[];
    }
  | {
      readonly kind: 'blocked';
      /** Escalations, then the refusal. */
      readonly text: string;
      /** The refusal alone, as an evaluation grades it. */
      readonly body: string;
      readonly language: string;
      readonly hits: readonly Hit[];
    };

export type FinishReason = 'stop' | 'length' | 'contentFilter';

/** What is known when a reply has ended. */
export interface ReplyEnd {
  /** What has not been given yet. */
  readonly text: string;
  readonly finishReason: FinishReason;
  /** Of the output stage, of rules that are enforced. */
  readonly hits: readonly Hit[];
  /** The strongest of both stages, of rules that are enforced. */
  readonly action: PolicyOutcome;
  /** Notices that stand beside the reply (headers); those that are in its text or its field are not here. */
  readonly beside: readonly Notice[];
}

/**
 * One reply on its way to the client. `push` gives what may leave now; joined with `ReplyEnd.text` it is, for every way of cutting
 * the reply into pieces, what the whole reply would have given. Both throw `PolicyFailure`; nothing may be sent after.
 */
export interface ReplyFilter {
  /** What will stand beside the reply, where that is known before its first byte; null where the reply is held back (buffer). */
  readonly beside: readonly Notice[] | null;
  push(piece: string): string;
  end(finishReason: 'stop' | 'length'): ReplyEnd;
}

/** The same for a reply that is there whole; `body` is it without notices, as an evaluation grades it. */
export interface WholeReply extends ReplyEnd {
  readonly body: string;
}

/**
 * How replies of a policy may be streamed. `pass`: no output rule. `window`: every output rule is redact or replace with a match
 * that is bounded; so many characters are held back. `buffer`: the whole reply is held back, because of these rules.
 */
export type StreamMode =
  | { readonly kind: 'pass' }
  | { readonly kind: 'window'; readonly heldBack: number }
  | { readonly kind: 'buffer'; readonly because: readonly { readonly rule: RuleId | null; readonly why: string }[] };

/**
 * A policy made ready for one site's terms where it is applied: when its release is evaluated, serves or runs beside another, and
 * when the terms change. The check at staging makes one of its own and keeps none. Applying it allocates no expression.
 */
export interface CompiledPolicy {
  readonly policy: PromptPolicy;
  /** With its variables filled in. */
  readonly systemPrompt: string;
  readonly stream: StreamMode;
  /** Applies the input rules that are enforced. Throws `PolicyFailure`. */
  applyInput(request: PolicyRequest, now: Monotonic): InputDecision;
  openReply(input: InputDecision & { readonly kind: 'go' }, now: Monotonic): ReplyFilter;
  applyReply(
    input: InputDecision & { readonly kind: 'go' },
    reply: string,
    finishReason: 'stop' | 'length',
    now: Monotonic,
  ): WholeReply;
  /**
   * What rules would hit, for a count, and nothing else: never on a request's way. All of them together have 30 ms, and fail after.
   * Null: there is no such rule, or the texts are too long to be read for a count.
   */
  watch(watched: WatchedTexts, now: Monotonic): Watched | null;
}

/** A question, turn by turn, or a reply. */
export interface WatchedTexts {
  /** `shadow`: the rules in shadow; `all`: every one, as before a policy serves. */
  readonly whose: 'shadow' | 'all';
  readonly stage: PolicyStage;
  readonly texts: readonly string[];
  readonly language: string | null;
  readonly today: string;
}

export interface Watched {
  readonly hits: readonly Hit[];
  /** Rules that broke, or were not done in time. */
  readonly failed: readonly RuleId[];
}

export type Compiling =
  | { readonly kind: 'ok'; readonly compiled: CompiledPolicy }
  | { readonly kind: 'refused'; readonly findings: readonly PolicyFinding[] };

/**
 * Finds every match of one rule in a text, left to right, none overlapping the one before (in the original). Whether a match starts
 * at a place, and what it is, depends on the place, the `before` folded characters ahead of it and the `after` behind its end, and
 * on nothing else: so a stream can hold back `longest + after`. `longest` is null where a match has no such bound; `why` says so in
 * words. `stillAllowed` throws when the rule's time is over: what can take longer than its text is long asks it between matches.
 */
export interface Finder {
  readonly longest: number | null;
  readonly why?: string;
  readonly before: number;
  readonly after: number;
  readonly sign?: Sign;
  find(text: FoldedText, stillAllowed?: () => void): readonly Span[];
}

/**
 * What every text has in which a finder finds something, whatever `from` it is searched: most texts have none of it, and the finders
 * of a policy are told so together. `pattern`: it matches. `words`: one of them stands there, as `words.ts` reads. `look`: it says so.
 */
export type Sign =
  | { readonly kind: 'pattern'; readonly pattern: Pattern }
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'look'; readonly couldHold: (text: FoldedText) => boolean };

/** What was read of one folded text, so that it is read once for all rules. */
export interface Readings {
  words: TextWords | null;
  /** In small letters, without accents. */
  plain: string | null;
}

/**
 * A text, and the form in which rules read it: compatibility forms made plain, look-alikes of Latin letters made Latin, marks of no
 * width left out, one code point at a time. `origin[i]` is where the i-th UTF-16 unit of `folded` came from in `text`, and
 * `origin[folded.length]` is `text.length`; a span that ends at folded offset e ends in `text` at `originEnd[e - 1]`.
 */
export interface FoldedText {
  readonly text: string;
  readonly folded: string;
  readonly origin: ArrayLike<number>;
  readonly originEnd: ArrayLike<number>;
  readonly readings: Readings;
  /**
   * No match starts before this folded offset, and none there keeps a later one from being found: what stands ahead of it is
   * context. 0 but in a stream, which gives at least `before` characters of it where there are so many.
   */
  readonly from: number;
  /** Whether the text that is searched begins, and ends, where the whole text does. */
  readonly isStart: boolean;
  readonly isEnd: boolean;
  /** `YYYY-MM-DD`, for ages. */
  readonly today: string;
  readonly language: string;
}

/** For a rule of a policy: how it finds, or that it judges only the whole text. */
export type CompiledRule = { readonly rule: PolicyRule } & (
  | { readonly kind: 'finder'; readonly finder: Finder }
  /** `schema` and `length`: whether the whole text is a hit. */
  | { readonly kind: 'whole'; readonly isHit: (text: string) => boolean }
);
