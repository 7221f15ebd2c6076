/**
 * The first of the languages that a client accepts (RFC 9110, `accept-language`) which the policy has, as the policy spells it: by
 * the same tag, or by what either begins with. Null: none of them, and the policy's own first stands.
 */
export function languageOf(header: string | undefined, languages: readonly string[]): string | null {
  if (header === undefined || header === '' || header === '*' || header.length > MOST_HEADER) return null;
  for (const wanted of wantedIn(header)) {
    const found = matching(wanted, languages);
    if (found !== undefined) return found;
  }
  return null;
}

/** What is longer says nothing that a browser would say. */
const MOST_HEADER = 500;

function wantedIn(header: string): readonly string[] {
  return header
    .split(',')
    .map((part) => {
      const [tag = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
      const quality = Number(parameters.find((piece) => piece.startsWith('q='))?.slice(2) ?? 1);
      return { tag, quality: Number.isNaN(quality) ? 0 : quality };
    })
    .filter(({ tag, quality }) => quality > 0 && tag !== '' && tag !== '*')
    .toSorted((a, b) => b.quality - a.quality)
    .map(({ tag }) => tag);
}

function matching(wanted: string, languages: readonly string[]): string | undefined {
  const primary = wanted.split('-', 1)[0];
  return (
    languages.find((own) => own.toLowerCase() === wanted) ??
    languages.find((own) => own.toLowerCase() === primary) ??
    languages.find((own) => own.toLowerCase().split('-', 1)[0] === primary)
  );
}
