// What others wrote, made fit to stand among our own lines: it can neither begin a line of its own, nor hide, nor turn the
// direction of what a person reads.

// Controls, format and direction marks, private and unassigned code points, line and paragraph separators, lone surrogates; letters
// and marks that are not drawn, and blanks of another width; and every blank after a blank, since a row of them is a line's end on
// a narrow terminal.
const HIDDEN =
  /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! |\u00A0|\u202F)\p{Zs}|(?<=\p{Zs})\p{Zs}/gu;

const codeOf = (mark: string): string => (mark.codePointAt(0) ?? 0).toString(16).toUpperCase();

/** One line, with every mark that is not seen spelt as its code point: `\u{202E}`. Of what may have been spelt already. */
export const spelt = (text: string): string => text.replace(HIDDEN, (mark) => `\\u{${codeOf(mark)}}`);

/**
 * The same of a text as it was written: one that spells a mark itself reads otherwise than one that has it, since its backslash is spelt
 * too. So two texts that read the same are the same.
 */
export const visible = (text: string): string => spelt(text.replace(/\\(?=[ux]\{)/g, '\\u{5C}'));

/** Between our own quotation marks, which nothing in it can close. */
export const inQuotes = (text: string): string =>
  `“${visible(text).replace(/[“”„‟«»"]/g, (mark) => `\\u{${codeOf(mark)}}`)}”`;

/**
 * A pattern as it is; a mark that is not seen is spelt as RE2 spells it, `\x{202E}`, so that it means the same: but for where
 * `hidesMark` finds one, which is refused.
 */
export const visiblePattern = (pattern: string): string => pattern.replace(HIDDEN, (mark) => `\\x{${codeOf(mark)}}`);

/** Whether a mark that is not seen stands within `\Q…\E`, or behind a backslash: spelt as RE2 spells it, it would mean another thing. */
export function hidesMark(pattern: string): boolean {
  const hidden = new Set(Array.from(pattern.matchAll(HIDDEN), ({ index }) => index));
  if (hidden.size === 0) return false;
  for (const { 0: taken, index } of pattern.matchAll(/\\Q[^]*?(?:\\E|$)|\\[^]?/gu))
    for (let at = index; at < index + taken.length; at += 1) if (hidden.has(at)) return true;
  return false;
}

/** At most so many UTF-16 units, cut where a code point ends. */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  const end = (text.charCodeAt(most - 2) & 0xfc00) === 0xd800 ? most - 2 : most - 1;
  return `${text.slice(0, end)}…`;
}
