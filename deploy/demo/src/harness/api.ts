import { randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import {
  API,
  ErrorBody,
  IDEMPOTENCY_HEADER,
  Refusal,
  type ArtifactManifest,
  type Digest,
  type Plan,
  type RolloutView,
} from '@openward/contracts';
import { describeArtifact, type ByteSource } from '@openward/distribution';
import { Agent, fetch } from 'undici';

/** REST, as a script would use it. Refusals are thrown with the control plane's own code and words. */
export interface Api {
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body: unknown): Promise<T>;
  put(path: string, bytes: Uint8Array): Promise<void>;
  /** Uploads what is missing of a file, and gives the digest of its manifest. */
  upload(path: string): Promise<{ readonly digest: Digest; readonly manifest: ArtifactManifest }>;
  plan(request: unknown): Promise<Plan>;
  rollout(id: string): Promise<RolloutView>;
}

export function createApi({
  url,
  ca,
  token,
}: {
  readonly url: string;
  readonly ca: string;
  readonly token: string;
}): Api {
  const dispatcher = new Agent({ connect: { ca } });
  const call = async (
    method: string,
    path: string,
    body?: Uint8Array | string,
    headers: Record<string, string> = {},
  ): Promise<unknown> => {
    const response = await fetch(`${url}${API}${path}`, {
      method,
      dispatcher,
      headers: { authorization: `Bearer ${token}`, ...headers },
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    if (response.ok) return text === '' ? undefined : JSON.parse(text);
    const refused = ErrorBody.safeParse(parse(text));
    if (refused.success) throw new Refusal(refused.data.code, refused.data.message, { details: refused.data.details });
    throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 300)}`);
  };
  const post = <T>(path: string, body: unknown): Promise<T> =>
    call('POST', path, JSON.stringify(body), {
      'content-type': 'application/json',
      [IDEMPOTENCY_HEADER]: randomUUID(),
    }) as Promise<T>;
  const put = async (path: string, bytes: Uint8Array): Promise<void> =>
    void (await call('PUT', path, bytes, { 'content-type': 'application/octet-stream' }));
  return {
    get: <T>(path: string) => call('GET', path) as Promise<T>,
    post,
    put,
    upload: (path) => upload(path, { post, put }),
    plan: (request) => post('/rollouts/plan', request),
    rollout: (id) => call('GET', `/rollouts/${id}`) as Promise<RolloutView>,
  };
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
};

async function upload(path: string, api: Pick<Api, 'post' | 'put'>): ReturnType<Api['upload']> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    const source: ByteSource = {
      size,
      read: async (offset, length) => {
        const bytes = Buffer.alloc(length);
        await handle.read(bytes, 0, length, offset);
        return bytes;
      },
    };
    const built = await describeArtifact(source, 'gguf');
    const pieces = new Map<Digest, () => Promise<Uint8Array>>([
      ...[built.manifest, ...built.lists].map(({ digest, bytes }) => [digest, () => Promise.resolve(bytes)] as const),
      ...built.layout.chunks.map(
        ({ digest, offset, size: length }) => [digest, () => source.read(offset, length)] as const,
      ),
    ]);
    const { missing } = await api.post<{ missing: Digest[] }>('/chunks/missing', { digests: [...pieces.keys()] });
    for (const digest of missing) await api.put(`/chunks/${digest}`, (await pieces.get(digest)?.()) ?? Buffer.alloc(0));
    return { digest: built.layout.digest, manifest: built.layout.manifest };
  } finally {
    await handle.close();
  }
}
