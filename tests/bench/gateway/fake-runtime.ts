import type { GenerateEvent, GenerateRequest, LoadedModel, Runtime, RuntimeDescription } from '@openward/runtime';
import { Pool } from 'undici';
import { generateBody, type GenerateReply } from './exchange.ts';

type Reply = (request: GenerateRequest) => Promise<GenerateReply>;

/** The fake runtime in its process, over the same pool as the bare proxy's. */
export function overHttp(url: string): Reply {
  const pool = new Pool(url, { connections: 32 });
  return async ({ model, prompt, maxTokens }) => {
    const { body } = await pool.request({
      method: 'POST',
      path: '/api/generate',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(generateBody(model, prompt, maxTokens)),
    });
    return (await body.json()) as GenerateReply;
  };
}

export const atOnce: Reply = ({ prompt }) =>
  Promise.resolve({ response: 'emergency', done_reason: 'stop', prompt_eval_count: prompt.length, eval_count: 2 });

/** The runtime's port, as far as a gateway asks of it. */
export function fakeRuntime(reply: Reply): Runtime {
  const description: RuntimeDescription = {
    kind: 'ollama',
    version: 'fake',
    knownSafe: true,
    tested: false,
    isolation: [],
  };
  return {
    kind: 'ollama',
    describe: () => Promise.resolve(description),
    load: ({ key, base }) => Promise.resolve({ key, base: base.digest, memoryBytes: 0 } satisfies LoadedModel),
    async *generate(request): AsyncGenerator<GenerateEvent> {
      const said = await reply(request);
      yield { type: 'text', text: said.response };
      yield {
        type: 'end',
        finishReason: said.done_reason,
        promptTokens: said.prompt_eval_count,
        completionTokens: said.eval_count,
      };
    },
    unload: () => Promise.resolve(),
    loaded: () => Promise.resolve([]),
    remove: () => Promise.resolve(),
    onExit: () => () => undefined,
    close: () => Promise.resolve(),
  };
}
