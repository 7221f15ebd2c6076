import type { ChatTemplate } from '@openward/contracts';

// What no message may hold. Vocabularies take upper and lower case apart, and so does this.

export interface Marks {
  /** A mark that the text holds, or none: one pass, as long as the text is, however many marks there are. */
  findIn(text: string): string | null;
}

interface Branch {
  readonly next: Map<number, Branch>;
  mark: string | null;
}

/** `<|im_start|>`, `<<SYS>>`, `[INST]`, `{user}`, `|user|`: what stands in brackets with no blank, and no blank or word around it. */
const BRACKETED = /<{1,2}[^\s<>]+>{1,2}|\[[^\s[\]]+\]|\{[^\s{}]+\}|\|[^\s|]+\|/gu;
/** A sign and a word with more than a blank around it: `### Instruction:`. One that begins with a word is looked for as it stands. */
const BEGINS_WITH_A_SIGN = /^[^\p{L}\p{N}\s].*\p{L}/su;
const LEAST_LENGTH = 2;

/**
 * The strings of a template whole, and each part of theirs that no words are made of; a tokenizer knows such a part whatever stands
 * beside it. Parts that are words alone (`system`, `User`) are none: people write them.
 */
export function marksOfTemplate({ bos, system, user, assistant, stop }: ChatTemplate): readonly string[] {
  const all = [bos, ...[system, user, assistant].flatMap(({ before, after }) => [before, after]), ...stop];
  return [...new Set(all.filter((one) => one.trim() !== '').flatMap((whole) => [whole, ...partsOf(whole)]))];
}

function partsOf(whole: string): readonly string[] {
  const trimmed = whole.trim();
  const parts = [...whole.matchAll(BRACKETED)].map(([part]) => part);
  return [...(BEGINS_WITH_A_SIGN.test(trimmed) ? [trimmed] : []), ...parts].filter(
    (part) => part.length >= LEAST_LENGTH,
  );
}

export function marksFrom(marks: readonly string[]): Marks {
  if (marks.length === 0) return { findIn: () => null };
  const root = treeOf(marks);
  const first = [...root.next.keys()].map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`);
  const begins = new RegExp(`[${first.join('')}]`, 'g');
  return {
    findIn(text) {
      begins.lastIndex = 0;
      while (begins.test(text)) {
        const mark = markAt(root, text, begins.lastIndex - 1);
        if (mark !== null) return mark;
      }
      return null;
    },
  };
}

function treeOf(marks: readonly string[]): Branch {
  const root: Branch = { next: new Map(), mark: null };
  for (const mark of marks) {
    let branch = root;
    for (let at = 0; at < mark.length; at += 1) {
      const unit = mark.charCodeAt(at);
      let next = branch.next.get(unit);
      if (next === undefined) branch.next.set(unit, (next = { next: new Map(), mark: null }));
      branch = next;
    }
    branch.mark = mark;
  }
  return root;
}

function markAt(root: Branch, text: string, start: number): string | null {
  let branch: Branch | undefined = root;
  for (let at = start; branch !== undefined; at += 1) {
    if (branch.mark !== null) return branch.mark;
    branch = branch.next.get(text.charCodeAt(at));
  }
  return null;
}

function keptBy<Key extends object>(make: (key: Key) => Marks): (key: Key) => Marks {
  const known = new WeakMap<Key, Marks>();
  return (key) => {
    const found = known.get(key) ?? make(key);
    known.set(key, found);
    return found;
  };
}

/** Kept by the template, which a release keeps as long as it serves. */
export const templateMarks = keptBy((template: ChatTemplate) => marksFrom(marksOfTemplate(template)));
/** Kept by the list, which a vocabulary keeps as long as it is open. */
export const vocabularyMarks = keptBy((marks: readonly string[]) => marksFrom(marks));
