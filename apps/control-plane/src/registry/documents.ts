import { canonicalJson, type ArtifactRef, type Name } from '@openward/contracts';
import { describeArtifact, refOf, type ArtifactStore } from '@openward/distribution';

/**
 * Keeps a document in the artifact store in its canonical form, so that the digest of its file is the digest of the document,
 * and nodes fetch it like any artifact (D2).
 */
export async function storeDocument(store: ArtifactStore, family: Name, document: unknown): Promise<ArtifactRef> {
  const bytes = new TextEncoder().encode(canonicalJson(document));
  const source = {
    size: bytes.length,
    read: (offset: number, length: number) => Promise.resolve(bytes.subarray(offset, offset + length)),
  };
  const { layout, manifest, lists } = await describeArtifact(source, 'document', async ({ digest }, chunk) => {
    await store.put(digest, chunk);
  });
  for (const piece of [...lists, manifest]) await store.put(piece.digest, piece.bytes);
  return refOf(layout, family);
}
