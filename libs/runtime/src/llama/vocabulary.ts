import type { ModelFile, Vocabulary } from '../port.ts';
import { RuntimeRefusal } from '../refusal.ts';
import { assertModelFile, closed } from '../requests.ts';
import type { Connection, Reply } from './connection.ts';
import type { LlamaChild } from './llama-child.ts';

/** A vocabulary that also knows how it begins a text by itself. */
export interface KnownVocabulary extends Vocabulary {
  /** The text of the token that it puts before a prompt which lacks it; absent where it puts none. */
  readonly bos?: string;
}

/** Loads a model's vocabulary alone, whichever runtime serves the model (G2). It outlives restarts of the child. */
export async function openVocabulary(child: LlamaChild, file: ModelFile): Promise<KnownVocabulary> {
  assertModelFile(file);
  const open = async (connection: Connection): Promise<Extract<Reply, { say: 'opened' }>> => {
    const asked = (): Promise<Reply> => connection.ask({ ask: 'openVocabulary', file }).reply;
    const said = await child.patiently(connection, { base: file }, asked);
    if (said.say !== 'opened') throw new RuntimeRefusal('runtimeFailed', 'The vocabulary did not say how it begins.');
    return said;
  };
  const { beginning, marks } = await open(await child.connect());
  const leave = child.onRestart(async (connection) => {
    await open(connection).catch((cause: unknown) => {
      if (cause instanceof RuntimeRefusal && cause.code === 'runtimeExited') throw cause;
      if (connection.hasCrashed) leave();
    });
  });
  let isClosed = false;
  return {
    ...beginning,
    marks,
    async countTokens(text) {
      if (isClosed) throw closed();
      const connection = await child.connect();
      const said = await connection.ask({ ask: 'countTokens', digest: file.digest, text }).reply;
      if (said.say !== 'counted') throw new RuntimeRefusal('runtimeFailed', 'The vocabulary gave no count.');
      return said.tokens;
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      leave();
      // A child that is not there holds none.
      const connection = await child.connect().catch(() => undefined);
      await connection?.ask({ ask: 'closeVocabulary', digest: file.digest }).reply.catch(() => undefined);
    },
  };
}
