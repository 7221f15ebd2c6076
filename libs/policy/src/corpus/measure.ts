import { IdentifierKind } from '@openward/contracts';
import { compilePolicy } from '../compile.ts';
import { fold } from '../fold.ts';
import { ageInWords } from '../identifiers/age.ts';
import { dayOf } from '../identifiers/calendar.ts';
import { finderOf } from '../identifiers/index.ts';
import { type Finder, NO_SITE_TERMS } from '../model.ts';
import { starterPolicy } from '../starter/index.ts';
import { AS_PEOPLE_WRITE } from './as-people-write.ts';
import { CLINICAL_CORPUS } from './clinical.ts';
import { drawSamples, type Guise, type Sample, SOURCES } from './identifiers.ts';

// Both corpora put to the recognisers, and what came of it as the tables of docs/policy.md: a test holds the page to them.

export const TODAY = '2026-03-01';
export const SEED = 4;
const EACH = 200;

const finder = (kind: IdentifierKind): Finder => {
  const found = finderOf(kind, NO_SITE_TERMS);
  if ('refused' in found) throw new Error(found.refused);
  return found;
};

/** `whole`: exactly what stands there, with the right age where it is one; `part`: more or less of it, or another age. */
type Outcome = 'whole' | 'part' | 'none';

const outcomeOf = ({ source, text, start, end, specimen }: Sample): Outcome => {
  const touching = finder(source.kind)
    .find(fold(text, { today: TODAY, language: 'en' }))
    .filter((span) => span.start < end && span.end > start);
  const [span] = touching;
  if (span === undefined) return 'none';
  const age = specimen.day === undefined ? null : ageInWords(specimen.day, dayOf(TODAY), 'en');
  const isRight = age === null || (span.instead ?? '').split(' or ').includes(age);
  return touching.length === 1 && span.start === start && span.end === end && isRight ? 'whole' : 'part';
};

export interface Measured {
  readonly name: string;
  readonly needsWord: boolean;
  readonly counts: Readonly<Record<Guise, Readonly<Record<Outcome, number>>>>;
}

const none = (): Record<Outcome, number> => ({ whole: 0, part: 0, none: 0 });

/** By source, in the order of the sources. */
export const measureRecognisers = (): readonly Measured[] => {
  const counts = SOURCES.map(() => ({ valid: none(), veiled: none(), bare: none(), broken: none() }));
  for (const sample of drawSamples(SEED, EACH)) {
    const at = counts[SOURCES.indexOf(sample.source)];
    if (at !== undefined) at[sample.guise][outcomeOf(sample)] += 1;
  }
  return SOURCES.flatMap(({ name, words }, index) => {
    const found = counts[index];
    return found === undefined ? [] : [{ name, needsWord: words.length > 0, counts: found }];
  });
};

const share = ({ whole, part, none: missed }: Readonly<Record<Outcome, number>>): string => {
  const all = whole + part + missed;
  return all === 0 ? '–' : `${whole}${part === 0 ? '' : ` (+${part})`} of ${all}`;
};

export const recogniserTable = (measured: readonly Measured[]): string =>
  [
    '| identifier | needs a word | as written | veiled | without the word | broken, and yet hit |',
    '|---|---|---:|---:|---:|---:|',
    ...measured.map(
      ({ name, needsWord, counts }) =>
        `| ${name} | ${needsWord ? 'yes' : 'no'} | ${share(counts.valid)} | ${share(counts.veiled)} | ${share(counts.bare)} | ${share(counts.broken)} |`,
    ),
  ].join('\n');

/** Of the identifiers as people also write them: how many are found whole, and what is not. */
export const handWrittenTable = (): string =>
  [
    '| identifier | found | missed, or found in part |',
    '|---|---:|---|',
    ...Object.entries(AS_PEOPLE_WRITE).map(([kind, texts]) => {
      const missed = texts.filter(([text, identifier]) => !foundWhole(kind as IdentifierKind, text, identifier));
      const shown = missed.map(([text]) => `\`${text.replaceAll('\n', '⏎')}\``).join(', ');
      return `| \`${kind}\` | ${texts.length - missed.length} of ${texts.length} | ${shown} |`;
    }),
  ].join('\n');

const foundWhole = (kind: IdentifierKind, text: string, identifier: string): boolean =>
  finder(kind)
    .find(fold(text, { today: TODAY, language: 'en' }))
    .some(({ start, end }) => text.slice(start, end) === identifier);

const LANGUAGES = Object.keys(CLINICAL_CORPUS);
const KINDS = IdentifierKind.options.filter((kind) => kind !== 'recordNumber');

/** Sentences of the clinical corpus that a recogniser hits, each a false alarm. */
export const falseAlarms = (kind: IdentifierKind, language: string): readonly string[] =>
  (CLINICAL_CORPUS[language] ?? []).filter(
    (sentence) => finder(kind).find(fold(sentence, { today: TODAY, language })).length > 0,
  );

export interface Judged {
  readonly sentence: string;
  readonly rules: readonly string[];
  /** Whether a question is refused, or a question or a reply gets to the other side as anything but itself. */
  readonly isChanged: boolean;
}

/** What the starter policy does with each sentence, as a question and as a reply. */
export const starterHits = (language: string): readonly Judged[] => {
  const compiling = compilePolicy(starterPolicy(), NO_SITE_TERMS);
  if (compiling.kind === 'refused') throw new Error(compiling.findings.map(({ message }) => message).join(' '));
  const { compiled } = compiling;
  const standing = (): number => 0;
  return (CLINICAL_CORPUS[language] ?? []).map((sentence) => {
    const asked = compiled.applyInput({ turns: [{ role: 'user', text: sentence }], language, today: TODAY }, standing);
    const ofQuestion = asked.hits.map(({ rule }) => rule);
    if (asked.kind === 'blocked') return { sentence, rules: ofQuestion, isChanged: true };
    const { body, hits } = compiled.applyReply(asked, sentence, 'stop', standing);
    const isChanged = asked.turns[0]?.text !== sentence || body !== sentence;
    return { sentence, rules: [...ofQuestion, ...hits.map(({ rule }) => rule)], isChanged };
  });
};

const starterRows = (): readonly string[] => {
  const hits = LANGUAGES.map(starterHits);
  const countOf = (rule: string): string =>
    hits.map((sentences) => sentences.filter(({ rules }) => rules.includes(rule)).length).join(' | ');
  return starterPolicy().rules.map(({ id }) => `| starter policy, \`${id}\` | ${countOf(id)} |`);
};

export const clinicalTable = (): string =>
  [
    `| hits, all false alarms | ${LANGUAGES.join(' | ')} |`,
    `|---|${LANGUAGES.map(() => '---:').join('|')}|`,
    `| sentences | ${LANGUAGES.map((it) => CLINICAL_CORPUS[it]?.length).join(' | ')} |`,
    ...KINDS.map((kind) => `| \`${kind}\` | ${LANGUAGES.map((it) => falseAlarms(kind, it).length).join(' | ')} |`),
    ...starterRows(),
  ].join('\n');
