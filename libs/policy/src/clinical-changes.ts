import type { Language, PolicyRule, PolicyStage, PromptPolicy, RuleId } from '@openward/contracts';
import { compilePolicy } from './compile.ts';
import { CLINICAL_CORPUS } from './corpus/clinical.ts';
import { fold } from './fold.ts';
import { recordNumberFinder } from './identifiers/record-number.ts';
import type { CompiledPolicy, Monotonic, SiteTerms } from './model.ts';

// A rule that takes a number for a telephone's may take a dose. No author thinks of every sentence; the clinical corpus has some
// hundred, about no patient, which nothing that is shipped changes. Whoever writes a policy, and each site that reads it, is told
// which of them it would change, and decides whether that is meant.

/** One sentence of the corpus that would not get to the other side as it is. */
export interface ClinicalChange {
  readonly stage: PolicyStage;
  readonly language: Language;
  readonly sentence: string;
  /** Every rule that changes it, in the policy's order. */
  readonly rules: readonly RuleId[];
  /** What gets to the other side; null: a refusal does, in its place. */
  readonly becomes: string | null;
}

export interface ClinicalChanges {
  /** How many sentences were read, each as a question and as a reply. */
  readonly read: number;
  /** How many were not, since there was no time for more. */
  readonly unread: number;
  /** How many of those read would be changed, as a question or as a reply. */
  readonly changed: number;
  readonly changes: readonly ClinicalChange[];
}

/** A policy as large as any takes half of it. */
export const MOST_CLINICAL_MS = 2_000;
const TODAY = '2026-03-01';

/**
 * What the rules that block, redact or replace make of clinical sentences, in the languages of the policy that the corpus has (in all
 * of them where it has none). Not asked: rules in shadow, which change nothing, and schemas, which are about the form of a whole
 * reply. For a policy that `checkPolicy` took; of another nothing is read.
 */
export function clinicalChanges(
  policy: PromptPolicy,
  terms: SiteTerms,
  now: Monotonic,
  mostMs: number = MOST_CLINICAL_MS,
): ClinicalChanges {
  const sentences = sentencesFor(policy.languages);
  const rules = policy.rules.filter(changes);
  if (rules.length === 0) return { read: sentences.length, unread: 0, changed: 0, changes: [] };
  const end = now() + mostMs;
  const made = compilePolicy({ ...policy, rules, disclaimer: null }, terms);
  if (made.kind === 'refused') return unreadClinical(policy);
  const still: Monotonic = () => {
    if (now() > end) throw new Error('the clinical sentences took too long');
    return 0;
  };
  const found: ClinicalChange[] = [];
  const changed = new Set<string>();
  for (const [read, { sentence, language }] of sentences.entries()) {
    try {
      const ofSentence = [asQuestion, asReply].flatMap((judge) => judge(made.compiled, sentence, language, still));
      if (ofSentence.length > 0) changed.add(sentence);
      found.push(...ofSentence);
    } catch {
      // Out of time, or a rule that breaks: what is left counts as unread, and no policy passes for harmless by being slow.
      return { read, unread: sentences.length - read, changed: changed.size, changes: found };
    }
  }
  return { read: sentences.length, unread: 0, changed: changed.size, changes: found };
}

/** Nothing is known of any sentence. */
export const unreadClinical = ({ languages }: PromptPolicy): ClinicalChanges => ({
  read: 0,
  unread: sentencesFor(languages).length,
  changed: 0,
  changes: [],
});

const changes = ({ mode, match, action }: PolicyRule): boolean =>
  mode === 'enforce' && match.kind !== 'schema' && action.does !== 'annotate' && action.does !== 'escalate';

interface Sentence {
  readonly sentence: string;
  readonly language: Language;
}

function sentencesFor(languages: readonly Language[]): readonly Sentence[] {
  const spoken = new Set(languages.map((it) => it.split('-')[0]));
  const all = Object.entries(CLINICAL_CORPUS);
  const own = all.filter(([language]) => spoken.has(language));
  return (own.length > 0 ? own : all).flatMap(([language, of]) => of.map((sentence) => ({ sentence, language })));
}

function asQuestion(compiled: CompiledPolicy, sentence: string, language: Language, now: Monotonic): ClinicalChange[] {
  const asked = compiled.applyInput({ turns: [{ role: 'user', text: sentence }], language, today: TODAY }, now);
  if (asked.hits.length === 0) return [];
  const rules = asked.hits.map(({ rule }) => rule);
  const becomes = asked.kind === 'blocked' ? null : (asked.turns[0]?.text ?? '');
  return becomes === sentence ? [] : [{ stage: 'input', language, sentence, rules, becomes }];
}

function asReply(compiled: CompiledPolicy, sentence: string, language: Language, now: Monotonic): ClinicalChange[] {
  const asked = { kind: 'go', turns: [], language, today: TODAY, notices: [], hits: [] } as const;
  const { hits, body, finishReason } = compiled.applyReply(asked, sentence, 'stop', now);
  if (hits.length === 0) return [];
  const rules = hits.map(({ rule }) => rule);
  const becomes = finishReason === 'contentFilter' ? null : body;
  return becomes === sentence ? [] : [{ stage: 'output', language, sentence, rules, becomes }];
}

/** What a site's form of record numbers takes for one in a clinical sentence. */
export interface ClinicalMatch {
  readonly language: Language;
  readonly sentence: string;
  readonly found: string;
}

/** In the whole corpus, since a site may speak any of its languages. Of a pattern that is refused there is nothing. */
export function clinicalMatches(recordNumber: string): readonly ClinicalMatch[] {
  const finder = recordNumberFinder(recordNumber);
  if ('refused' in finder) return [];
  return Object.entries(CLINICAL_CORPUS).flatMap(([language, sentences]) =>
    sentences.flatMap((sentence) =>
      finder
        .find(fold(sentence, { today: TODAY, language }))
        .map(({ start, end }) => ({ language, sentence, found: sentence.slice(start, end) })),
    ),
  );
}
