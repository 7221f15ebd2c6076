import { CHUNK_STREAM, CHUNK_WILDCARD, PREFIX, type Name } from '@openward/contracts';
import type { EngineLink } from '@openward/messaging';

const AT_ONCE = 16;

/** Subjects of the chunks that the stream holds. One question, where to read each chunk again would be the whole model. */
async function subjectsIn(engine: EngineLink, filter: string): Promise<Set<string>> {
  await engine.whenConnected();
  const { state } = await engine.jsm.streams.info(CHUNK_STREAM, { subjects_filter: filter });
  return new Set(Object.keys(state.subjects ?? {}));
}

export const subjectsOf = (engine: EngineLink, family: Name): Promise<Set<string>> =>
  subjectsIn(engine, `${PREFIX}.chunk.${family}.*`);

/**
 * Makes room in the chunk stream: what no running rollout delivers goes. It is a cache, so nothing is lost; a node that still
 * wants one of them asks for a refill (D5). How many went.
 */
export async function evictChunks(engine: EngineLink, needed: ReadonlySet<string>): Promise<number> {
  const held = await subjectsIn(engine, CHUNK_WILDCARD);
  const idle = [...held].filter((subject) => !needed.has(subject));
  for (let at = 0; at < idle.length; at += AT_ONCE) {
    const purges = idle.slice(at, at + AT_ONCE).map((filter) => engine.jsm.streams.purge(CHUNK_STREAM, { filter }));
    await Promise.all(purges);
  }
  return idle.length;
}
