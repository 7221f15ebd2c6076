import type { Digest } from '@openward/contracts';
import { readLayout } from './manifest.ts';
import type { ArtifactStore, StoredPiece } from './ports.ts';

// D7. What stays is decided from PostgreSQL, never from the store: whoever calls passes the manifests of every version that
// is kept, pinned, last good, an anchor or a rollback target somewhere.

export const GRACE_MS = 24 * 60 * 60 * 1000;

export interface Removal {
  readonly remove: readonly StoredPiece[];
  readonly freedBytes: number;
}

/** What goes: named by nothing, and neither uploaded nor claimed for a day. An age in the future holds it too. */
export function decideRemoval(stored: Iterable<StoredPiece>, named: ReadonlySet<Digest>, now: number): Removal {
  const remove: StoredPiece[] = [];
  let freedBytes = 0;
  for (const piece of stored) {
    if (named.has(piece.digest) || now - piece.storedAt < GRACE_MS) continue;
    remove.push(piece);
    freedBytes += piece.bytes;
  }
  return { remove, freedBytes };
}

/**
 * Every piece that the given manifests name, themselves among them. Throws when one cannot be read: with a part of the names
 * unknown, nothing may be removed.
 */
export async function nameAll(store: ArtifactStore, manifests: Iterable<Digest>): Promise<Set<Digest>> {
  const named = new Set<Digest>();
  for (const manifest of manifests) {
    const layout = await readLayout(manifest, (digest) => store.get(digest));
    if ('missing' in layout)
      throw new Error(`nothing may be removed while ${layout.missing} of ${manifest} is missing`);
    named.add(manifest);
    for (const list of layout.manifest.lists) named.add(list.digest);
    for (const chunk of layout.chunks) named.add(chunk.digest);
  }
  return named;
}

/** One sweep. A piece that is uploaded or claimed while it runs stays. Bytes freed. */
export async function sweep(store: ArtifactStore, manifests: Iterable<Digest>, now: number): Promise<number> {
  const named = await nameAll(store, manifests);
  const stored: StoredPiece[] = [];
  for await (const piece of store.list()) stored.push(piece);
  let freed = 0;
  for (const piece of decideRemoval(stored, named, now).remove) {
    if (await store.delete(piece.digest, now - GRACE_MS + 1)) freed += piece.bytes;
  }
  return freed;
}
