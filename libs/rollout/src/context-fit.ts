import type { PromptPolicy, Release, SuiteDocument } from '@openward/contracts';

/** Whether what a release asks at the least fits the context that its model reads, as far as can be said without its tokeniser. */
export type ContextFit =
  | { readonly kind: 'fits' }
  | { readonly kind: 'mayNotFit'; readonly detail: string }
  | { readonly kind: 'cannotFit'; readonly detail: string };

/**
 * Of the system prompt with the suite's longest item: what each node's evaluation asks first. A tokeniser has a token for each byte at
 * the most, and one for each word at the least; a prompt that fills the context leaves no room for a reply. Variables count with
 * their defaults, since a site's own value may be shorter or longer.
 */
export function judgeContext({ model, policy }: Pick<Release, 'model' | 'policy'>, suite: SuiteDocument): ContextFit {
  const [shortest, longest] = [least(withoutVariables(policy)), bytesOf(withDefaults(policy))];
  const { bos, system, user, assistant } = model.template;
  const marks = bytesOf([bos, system.before, system.after, user.before, user.after, assistant.before].join(''));
  const from = shortest + maxOf(suite.items, ({ input }) => least(input));
  const to = longest + marks + maxOf(suite.items, ({ input }) => bytesOf(input));
  if (to < model.contextLength) return { kind: 'fits' };
  const prompt = `the system prompt of ${policy.id}@${policy.revision}, with the longest item of ${suite.name} ${suite.version}`;
  const reads = `${model.name} ${model.version} reads ${model.contextLength}, the reply's among them`;
  return from < model.contextLength
    ? { kind: 'mayNotFit', detail: `${prompt}, has between ${from} and ${to} tokens, and ${reads}` }
    : { kind: 'cannotFit', detail: `${prompt}, has at least ${from} tokens, and ${reads}` };
}

const WORD = /[\p{L}\p{M}'’-]+|\p{N}/gu;
/** Far above the average of any language; a script that sets no blanks between its words has no other bound. */
const LETTERS_A_TOKEN = 16;

/** A number is cut into groups of up to three digits or so, and marks may join a word: neither is counted in full. */
function least(text: string): number {
  let [words, letters, digits] = [0, 0, 0];
  for (const [found] of text.matchAll(WORD)) {
    if (/\p{N}/u.test(found)) digits += 1;
    else words += 1;
    letters += found.length;
  }
  return Math.max(words + Math.floor(digits / LETTERS_A_TOKEN), Math.floor(letters / LETTERS_A_TOKEN));
}

const REFERENCE = /\{\{([A-Za-z][A-Za-z0-9]*)\}\}/g;

const withoutVariables = ({ systemPrompt }: PromptPolicy): string => systemPrompt.replace(REFERENCE, ' ');

const withDefaults = ({ systemPrompt, variables }: PromptPolicy): string => {
  const values = new Map(variables.map((it) => [it.name, it.default]));
  return systemPrompt.replace(REFERENCE, (whole, name: string) => values.get(name) ?? whole);
};

const bytesOf = (text: string): number => new TextEncoder().encode(text).length;

const maxOf = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((most, item) => Math.max(most, of(item)), 0);
