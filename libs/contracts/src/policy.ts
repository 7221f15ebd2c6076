import { z } from 'zod';
import { Instant, Name, Version } from './ids.ts';

/**
 * A prompt policy version: what goes before every conversation, what a client may set, and which rules every request and every
 * reply is under. Data only, immutable, identified by the digest of its canonical form, and carried whole by each release that
 * binds it. Objects are strict and nothing has a default: a misspelt rule must refuse the policy, not weaken it.
 *
 * A schema holds shapes and sizes. Whether a policy could harm (an expression with no bound, a template that refers to itself,
 * a rule without its tests) is what `@openward/policy` checks, at the push and again on every node.
 */

/** Of the canonical form, in bytes. A policy is read by people: what is longer than this is read by nobody. */
export const MAX_POLICY_BYTES = 256 * 1024;
export const MAX_POLICY_RULES = 500;
/** From so many days before it expires, plan, node and page warn of it. */
export const POLICY_WARNS_DAYS = 30;

/** BCP 47, as a service's own. */
export const Language = z.string().regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/);
export type Language = z.infer<typeof Language>;

const Id = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/);
export const RuleId = Id;
export type RuleId = z.infer<typeof RuleId>;

/** The name of a text of the policy: a refusal, a fallback, a disclaimer. */
export const TextCode = Id;
export type TextCode = z.infer<typeof TextCode>;

/** One text in every language of the policy. It may name variables: `{{emergencyNumber}}`. */
const Text = z.string().min(1).max(4_000);
export const TextByLanguage = z.record(Language, Text);

/**
 * A word that a text or the system prompt names as `{{name}}`. `setBySite`: hospital IT may give its own (the local emergency
 * number); elsewhere, and until it does, the default stands. A value is a plain text: it names no variable.
 */
export const PolicyVariable = z.strictObject({
  name: z.string().regex(/^[a-z][A-Za-z0-9]{0,31}$/),
  description: z.string().min(1).max(200),
  default: z.string().max(500),
  setBySite: z.boolean(),
});
export type PolicyVariable = z.infer<typeof PolicyVariable>;

/** What a client may set, by the release's own words; `GATEWAY_PARAMETERS` says how each API spells them. */
export const PolicyParameter = z.enum(['temperature', 'topP', 'seed', 'maxTokens', 'stop']);
export type PolicyParameter = z.infer<typeof PolicyParameter>;

/**
 * `locked`: the release's value stands, whatever the client sends. `bounded`: the client's value is taken, moved to the nearest
 * bound. `denied`: a request that has the field is refused, with the field's name. Without a rule the gateway's one table holds.
 */
export const ParameterRule = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('locked'), field: PolicyParameter }),
  z
    .strictObject({
      kind: z.literal('bounded'),
      field: PolicyParameter.exclude(['stop', 'seed']),
      min: z.number().min(0).max(32_768),
      max: z.number().min(0).max(32_768),
    })
    .refine(({ min, max }) => min <= max, { message: 'the lower bound is over the upper one', path: ['min'] }),
  z.strictObject({ kind: z.literal('denied'), field: PolicyParameter }),
]);
export type ParameterRule = z.infer<typeof ParameterRule>;

export const PolicyStage = z.enum(['input', 'output']);
export type PolicyStage = z.infer<typeof PolicyStage>;

/** What the product knows to recognise; `recordNumber` goes by the site's own pattern and finds nothing without one. */
export const IdentifierKind = z.enum(['email', 'phone', 'cardNumber', 'dateOfBirth', 'nationalId', 'recordNumber']);
export type IdentifierKind = z.infer<typeof IdentifierKind>;

/** What a rule looks for. */
export const RuleMatch = z.discriminatedUnion('kind', [
  /** In the syntax of RE2, which runs in linear time: no back-references. */
  z.strictObject({ kind: z.literal('regex'), pattern: z.string().min(1).max(2_000), ignoreCase: z.boolean() }),
  z.strictObject({ kind: z.literal('identifier'), identifier: IdentifierKind }),
  /** Whole words and phrases, in each language; upper and lower case alike. */
  z.strictObject({
    kind: z.literal('topic'),
    phrases: z.record(Language, z.array(z.string().min(2).max(200)).min(1).max(500)),
  }),
  /** A closed part of JSON Schema; a reply that does not parse or does not fit is a hit. Output alone. */
  z.strictObject({ kind: z.literal('schema'), schema: z.record(z.string().max(64), z.unknown()) }),
  /** A text of more characters (code points) than this is a hit. */
  z.strictObject({ kind: z.literal('length'), most: z.int().min(1).max(1_000_000) }),
]);
export type RuleMatch = z.infer<typeof RuleMatch>;

/**
 * What a hit does. `block`: the text of that code is the whole reply. `redact`: each match becomes the marker (a date of birth: an
 * age), and a text that is too long ends at a sentence, with the marker after it. `replace`: each match becomes the replacement.
 * `annotate`: nothing but a note beside the reply. `escalate`: the text of that code stands first, and the reply follows.
 */
export const RuleAction = z.discriminatedUnion('does', [
  z.strictObject({ does: z.literal('block'), text: TextCode }),
  z.strictObject({ does: z.literal('redact'), marker: z.string().max(40) }),
  z.strictObject({ does: z.literal('replace'), replacement: z.string().max(400) }),
  z.strictObject({ does: z.literal('annotate') }),
  z.strictObject({ does: z.literal('escalate'), text: TextCode }),
]);
export type RuleAction = z.infer<typeof RuleAction>;
export type RuleDoes = RuleAction['does'];

/** `shadow`: what it would have done is counted on the node, and nothing else happens. */
export const RuleMode = z.enum(['enforce', 'shadow']);
export type RuleMode = z.infer<typeof RuleMode>;

export const PolicyRule = z.strictObject({
  id: RuleId,
  /** For the people of a site, who read it before they consent. */
  description: z.string().min(1).max(300),
  stage: PolicyStage,
  match: RuleMatch,
  action: RuleAction,
  mode: RuleMode,
  /**
   * For one text, in milliseconds. A rule that takes longer has one more look, since the machine may have been busy, and fails closed
   * where it takes longer again; so does all that is left where all rules together take over a second.
   */
  timeLimitMs: z.int().min(5).max(1_000),
});
export type PolicyRule = z.infer<typeof PolicyRule>;

/** What became of a conversation: the strongest action of the rules that hit. */
export const PolicyOutcome = z.enum(['none', 'annotate', 'replace', 'redact', 'escalate', 'block']);
export type PolicyOutcome = z.infer<typeof PolicyOutcome>;

/** One example of what one rule does, or does not: run by the author, at the push, and on each node before activation. */
export const PolicyTest = z.strictObject({
  name: z.string().min(1).max(200),
  /** The rule that it is about: positive where `expect.rules` names it, else negative. */
  rule: RuleId,
  language: Language,
  messages: z
    .array(z.strictObject({ role: z.enum(['system', 'user', 'assistant']), content: z.string().max(20_000) }))
    .min(1)
    .max(20),
  /** What a model would say; not asked where the request is blocked. */
  reply: z.string().max(20_000),
  /** Where the reply is cut into pieces, in UTF-16 units from its start, rising. The outcome is the same without. */
  cuts: z.array(z.int().min(0).max(20_000)).max(64),
  /** The day on which it happens, for ages. */
  today: z.iso.date(),
  expect: z.strictObject({
    /**
     * `refused`: no rule sees the request, since it has a system message or control characters that the policy refuses. Then no rule
     * hits, the text is empty, and the test is neither a positive nor a negative one of its rule.
     */
    action: z.enum([...PolicyOutcome.options, 'refused']),
    /** Every rule that hits, in the policy's order, those in shadow too. */
    rules: z.array(RuleId).max(MAX_POLICY_RULES),
    /** Exactly what the client gets. */
    text: z.string().max(40_000),
    /** Exactly what the model is asked, of the last turn; null where that does not matter. */
    asked: z.string().max(40_000).nullable(),
  }),
});
export type PolicyTest = z.infer<typeof PolicyTest>;

/** What a log line about a request may say of the policy. Never a text. */
export const PolicyLogField = z.enum(['action', 'ruleIds', 'language']);

/** With a schema a reply is not text that may be added to: notices go to a field of it or to headers. */
export const NoticePlace = z.discriminatedUnion('place', [
  z.strictObject({ place: z.literal('text') }),
  z.strictObject({ place: z.literal('header') }),
  z.strictObject({ place: z.literal('field'), field: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/) }),
]);
export type NoticePlace = z.infer<typeof NoticePlace>;

export const PromptPolicy = z.strictObject({
  v: z.literal(1),
  id: Name,
  /** Only grows. */
  revision: z.int().min(1),
  description: z.string().min(1).max(500),
  /** Not activated before; null: at once. */
  notBefore: Instant.nullable(),
  /** Warned of for 30 days, then the site's choice; null: never. */
  expires: Instant.nullable(),
  /** The oldest agent that understands it (V1). */
  minProtocol: z.int().min(1),
  /** Model versions that it was written for; empty: any. `versions` null: all of that name. */
  models: z.array(z.strictObject({ name: Name, versions: z.array(Version).min(1).max(64).nullable() })).max(32),
  /** The first is taken where a request's own is not among them. */
  languages: z.array(Language).min(1).max(20),
  systemPrompt: z.string().max(20_000),
  variables: z.array(PolicyVariable).max(64),
  parameters: z.array(ParameterRule).max(PolicyParameter.options.length),
  /** What becomes of a client's own system message: it opens the user's turn, or the request is refused. */
  clientSystem: z.enum(['demote', 'refuse']),
  /** Of C0 and C1 but for tab and the ends of lines. */
  controlCharacters: z.enum(['refuse', 'strip']),
  /** In order: where two match at one place, the first acts. */
  rules: z.array(PolicyRule).max(MAX_POLICY_RULES),
  texts: z.record(TextCode, TextByLanguage),
  notices: NoticePlace,
  /** A text that each reply carries, after it or where `notices` says; null: none. */
  disclaimer: TextCode.nullable(),
  log: z.array(PolicyLogField).max(PolicyLogField.options.length),
  tests: z.array(PolicyTest).max(4_000),
});
export type PromptPolicy = z.infer<typeof PromptPolicy>;

/** Names one policy version. */
export const PolicyRef = z.strictObject({ id: Name, revision: z.int().min(1) });
export type PolicyRef = z.infer<typeof PolicyRef>;

/** A policy that has no rules: a plain system prompt, whose text names no variable. */
export const plainPolicy = (
  systemPrompt: string,
  given: { readonly id?: Name; readonly revision?: number; readonly languages?: readonly Language[] } = {},
): PromptPolicy => ({
  v: 1,
  id: given.id ?? 'plain',
  revision: given.revision ?? 1,
  description: 'A plain system prompt, without rules.',
  notBefore: null,
  expires: null,
  minProtocol: 1,
  models: [],
  languages: [...(given.languages ?? ['en'])],
  systemPrompt,
  variables: [],
  parameters: [],
  clientSystem: 'demote',
  controlCharacters: 'refuse',
  rules: [],
  texts: {},
  notices: { place: 'text' },
  disclaimer: null,
  log: ['action', 'ruleIds', 'language'],
  tests: [],
});
