import { setImmediate } from 'node:timers/promises';
import type { LlamaModel } from 'node-llama-cpp';

import { RuntimeRefusal } from '../refusal.ts';

// The texts that a model's tokenizer takes, in any prompt, for one token with a meaning of its own. llama.cpp looks for them as they
// are written, upper and lower case apart, and both runtimes are asked with such tokens on.

/** More than any vocabulary in use has; what is over them is refused, since none may be left out. */
export const MOST_MARKS = 65_536;
/** What begins as a longer mark does is refused with it. */
export const MOST_MARK_LENGTH = 128;
/** Tokens that are looked at before anybody else has a turn in the child. */
const STEP = 4_096;

export interface TokenKind {
  readonly control: boolean;
  readonly unknown: boolean;
  readonly userDefined: boolean;
}

/** Signs and letters between brackets: `<tool_call>`, `[gMASK]`. User-defined tokens are runs of blanks and digits too. */
const BRACKETED = /^[<[{|].*[\p{L}|/@_].*[>\]}|]$/su;
/** Some vocabularies have a token for each tag of plain HTML; it speaks for nobody, and clinics write it. */
const HTML =
  /^<\/?(?:a|b|blockquote|br|caption|code|div|em|h[1-6]|hr|i|li|ol|p|pre|s|span|strong|sub|sup|table|tbody|td|tfoot|th|thead|tr|u|ul)>$/i;

/** The mark that a token of this text is, or none. */
export function markOf(text: string, kind: TokenKind): string | null {
  const mark = text.trim();
  if (mark.length < 2) return null;
  const isMark = kind.control || kind.unknown || (kind.userDefined && BRACKETED.test(mark) && !HTML.test(mark));
  return isMark ? mark.slice(0, MOST_MARK_LENGTH) : null;
}

/** Of the whole vocabulary. A model whose tokens cannot be told is refused: nobody could say what speaks in another's name. */
export async function marksOf(model: LlamaModel): Promise<readonly string[]> {
  const marks = new Set<string>();
  let looked = 0;
  for (const token of model.iterateAllTokens()) {
    looked += 1;
    if (looked % STEP === 0) await setImmediate();
    const kind = model.getTokenAttributes(token);
    if (!kind.control && !kind.unknown && !kind.userDefined) continue;
    const mark = markOf(model.detokenize([token], true), kind);
    if (mark !== null) marks.add(mark);
  }
  if (looked === 0) throw new RuntimeRefusal('modelNotLoadable', "The tokens of the model's vocabulary are not told.");
  if (marks.size > MOST_MARKS)
    throw new RuntimeRefusal(
      'modelNotLoadable',
      `The model's vocabulary has ${marks.size} marks; ${MOST_MARKS} are the most.`,
    );
  return [...marks];
}
