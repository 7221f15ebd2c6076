import type { ClinicalChange, ClinicalChanges } from '@openward/policy';
import { andMore, groupedByCode } from './grouped.ts';

const WHAT = { input: 'question', output: 'reply' } as const;

/** Lines of a warning: which clinical sentences a policy would change. None where it changes none, and all were read. */
export function clinicalLines(
  { read, unread, changed, changes }: ClinicalChanges,
  visible: (text: string) => string,
): readonly string[] {
  const unreadLine =
    unread === 0
      ? []
      : [`warning: ${unread} clinical sentences were not tried: the rules take too long for all of them.`];
  if (changed === 0) return unreadLine;
  const byRules = groupedByCode(changes.map((it) => ({ ...it, code: it.rules.join(', ') })));
  return [
    `warning: ${changed} of ${read} clinical sentences would not pass as they are. What takes a number may take a dose: see that each is meant.`,
    ...byRules.flatMap(({ code, first, more }) => [
      ...first.map((it) => `  ${code}: ${changeText(it, visible)}`),
      ...(more === 0 ? [] : [`  ${andMore(code, more)}`]),
    ]),
    ...unreadLine,
  ];
}

const changeText = (
  { stage, language, sentence, becomes }: ClinicalChange,
  visible: (text: string) => string,
): string =>
  `${WHAT[stage]} (${language}): “${visible(sentence)}” ${becomes === null ? 'is refused' : `becomes “${visible(becomes)}”`}`;
