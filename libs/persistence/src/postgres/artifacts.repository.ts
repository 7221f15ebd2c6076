import type { ArtifactManifest, ArtifactRef, Digest, Name } from '@openward/contracts';
import type { Database } from './database.ts';

/** What the network may deliver. A row is made with the version, suite or release that names it. */
export async function writeArtifact(
  db: Database,
  { manifest, family, file, size }: ArtifactRef,
  kind: ArtifactManifest['kind'],
): Promise<void> {
  await db
    .insertInto('artifacts')
    .values({ manifest, family, file, size, kind })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export class ArtifactRepository {
  readonly #db: Database;
  constructor(db: Database) {
    this.#db = db;
  }

  /** Null where no version, suite or release names this manifest in this family: nothing of it is filled in (D5). */
  async find(family: Name, manifest: Digest): Promise<ArtifactRef | null> {
    const row = await this.#db
      .selectFrom('artifacts')
      .where('manifest', '=', manifest)
      .where('family', '=', family)
      .select(['manifest', 'file', 'size', 'family'])
      .executeTakeFirst();
    return row ?? null;
  }
}
