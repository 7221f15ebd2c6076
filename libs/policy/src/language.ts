/**
 * The language of the policy that a client asks for, by `accept-language` or one tag of BCP 47: the first that the policy has, by a
 * prefix too; else the policy's first.
 */
export function chooseLanguage(languages: readonly string[], asked: string | null): string {
  const [first = 'en'] = languages;
  if (asked === null) return first;
  for (const tag of preferred(asked)) {
    const found = closest(languages, tag);
    if (found !== undefined) return found;
  }
  return first;
}

const MOST_TAGS = 32;

function preferred(header: string): readonly string[] {
  return header
    .split(',', MOST_TAGS)
    .map((part) => {
      const [tag = '', ...parameters] = part.split(';').map((it) => it.trim().toLowerCase());
      const quality = parameters.find((it) => it.startsWith('q='));
      return { tag, weight: quality === undefined ? 1 : Number(quality.slice(2)) };
    })
    .filter(({ tag, weight }) => tag !== '' && weight > 0)
    .toSorted((one, other) => other.weight - one.weight)
    .map(({ tag }) => tag);
}

function closest(languages: readonly string[], tag: string): string | undefined {
  for (let wanted = tag; wanted !== ''; wanted = wanted.slice(0, Math.max(0, wanted.lastIndexOf('-')))) {
    const same = languages.find((it) => it.toLowerCase() === wanted);
    if (same !== undefined) return same;
  }
  const [primary = ''] = tag.split('-');
  return languages.find((it) => it.toLowerCase().split('-')[0] === primary);
}
