import type { Clearer, DoctorFinding, Name, Wait } from '@openward/contracts';

export type Level = DoctorFinding['level'];

/** A row before rows of the same node are put together. `node`: whom it is about, null where it is about no node alone. */
export interface Found extends DoctorFinding {
  readonly node: Name | null;
}

export const finding = (level: Level, what: string, why: string, next: string, since: string | null = null): Found => ({
  level,
  what,
  why,
  since,
  next,
  node: null,
});

export const findingOfNode = (
  { name, site }: { readonly name: Name; readonly site: Name },
  level: Level,
  why: string,
  next: string,
  since: string | null = null,
): Found => ({ ...finding(level, `node ${name} of ${site}`, why, next, since), node: name });

const WHO: Readonly<Record<Clearer, string>> = {
  site: 'The site clears it',
  networkAdmin: 'A network admin clears it',
  time: 'It clears by itself in time',
  node: 'The node clears it by itself',
  network: 'It clears when the network is back',
};

/** Of a quorum it is never one node alone. */
export const whoClears = ({ code, clearedBy }: Pick<Wait, 'code' | 'clearedBy'>): string =>
  code === 'quorum' && clearedBy === 'node' ? 'The nodes of the wave clear it by themselves' : WHO[clearedBy];

const ORDER: Readonly<Record<Level, number>> = { problem: 0, warning: 1, ok: 2 };

export const worstFirst = (found: readonly DoctorFinding[]): DoctorFinding[] =>
  found.toSorted((a, b) => ORDER[a.level] - ORDER[b.level]);

/** One row a node, with all that is to be said of it, the worst first; its time is that of the worst. */
export function groupedByNode(found: readonly Found[]): DoctorFinding[] {
  const ofNode = Map.groupBy(
    found.filter(({ node }) => node !== null),
    ({ node }) => node,
  );
  return found.flatMap((row) => {
    if (row.node === null) return [asRow(row)];
    const rows = ofNode.get(row.node) ?? [];
    return rows[0] === row ? [together(rows)] : [];
  });
}

function together(rows: readonly Found[]): DoctorFinding {
  const sorted = worstFirst(rows);
  const [worst] = sorted;
  if (worst === undefined) throw new Error('a group has at least one row');
  return {
    level: worst.level,
    what: worst.what,
    why: unique(sorted.map(({ why }) => why)).join('; '),
    since: worst.since,
    next: withoutShorter(unique(sorted.map(({ next }) => next))).join(' '),
  };
}

const unique = (texts: readonly string[]): string[] => [...new Set(texts)];

/** `The site clears it.` says nothing beside a sentence that begins so and goes on. */
const withoutShorter = (texts: readonly string[]): string[] =>
  texts.filter((text) => !texts.some((it) => it.length > text.length && it.startsWith(text.slice(0, -1))));

const asRow = ({ node: _node, ...row }: Found): DoctorFinding => row;
