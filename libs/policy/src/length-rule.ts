// Lengths are in code points, as a reader would count letters, more or less.

/** Where the code points of a text pass `most`: the offset of the first one too many; null: they do not. */
export function offsetOver(text: string, most: number): number | null {
  if (text.length <= most) return null;
  let offset = 0;
  for (let points = 0; points < most && offset < text.length; points += 1) {
    offset += (text.codePointAt(offset) ?? 0) > 0xffff ? 2 : 1;
  }
  return offset < text.length ? offset : null;
}

// A sentence ends at its mark where a blank and a capital follow, or the line ends, and a line ends where a blank one or an item of
// a list follows. A full stop after an abbreviation ends none: what is cut in the middle could say the opposite.
const MARK = /[.!?…]["'”’»)\]]*(?=\s|$)|[。！？]|(?=\n\s*\n|\n\s*(?:[-*•]|\d+[.)])\s)/gu;
/** One letter, a title or another short word with a capital ("Dr", "Nr", "Fig"), and what is often before a name. */
const ABBREVIATION = /(?<![\p{L}\p{N}\p{M}])(?:\p{L}|\p{Lu}\p{L}{1,2}|Prof|Mlle|approx|bzw|ca|ggf|incl|inkl|vgl|vs)$/u;
const NEW_SENTENCE = /^(?:[^\S\n]*(?:\n|$)|\s+["'“‘«(¿¡]*\p{Lu})/u;
const BLANK = /\s+/gu;
const JOINED = /^(?:\p{M}|\p{Emoji_Modifier}|\u200D)/u;

/** Where a text that may have `most` code points ends: at its last whole sentence that fits, else its last word, else anywhere. */
export function lastThatFits(text: string, most: number): number {
  const over = offsetOver(text, most);
  if (over === null) return text.length;
  const near = text.slice(0, over + LOOK_AHEAD);
  return lastSentence(near, over) ?? lastBlank(near, over) ?? wholeCharacter(text, over);
}

/** Enough to tell whether what ends at the limit is a sentence. */
const LOOK_AHEAD = 32;

function lastSentence(text: string, most: number): number | null {
  let last: number | null = null;
  for (const { 0: mark, index } of text.matchAll(MARK)) {
    const end = index + mark.length;
    if (end > most) break;
    if (end > 0 && endsSentence(text, index, end)) last = end;
  }
  return last;
}

function endsSentence(text: string, mark: number, end: number): boolean {
  if (mark === end || '。！？'.includes(text.charAt(mark))) return true;
  if (text.charAt(mark) === '.' && ABBREVIATION.test(text.slice(Math.max(0, mark - 8), mark))) return false;
  return NEW_SENTENCE.test(text.slice(end, end + LOOK_AHEAD));
}

function lastBlank(text: string, most: number): number | null {
  let last: number | null = null;
  for (const { index } of text.matchAll(BLANK)) {
    if (index > most) break;
    if (index > 0) last = index;
  }
  return last;
}

function wholeCharacter(text: string, over: number): number {
  let end = over;
  while (end > 0 && (JOINED.test(text.slice(end, end + 2)) || text.charCodeAt(end - 1) === 0x200d)) {
    end -= (text.charCodeAt(end - 1) & 0xfc00) === 0xdc00 ? 2 : 1;
  }
  return end > 0 ? end : over;
}
