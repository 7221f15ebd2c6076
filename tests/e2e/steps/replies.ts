import type { SiteWorld } from '@openward/demo/harness';

// The same question over each endpoint, whole and streamed, read as the bytes come.

export interface Reply {
  readonly text: string;
  readonly finish: string | null;
  /** How many pieces held text. */
  readonly pieces: number;
}

interface Event {
  readonly choices?: readonly {
    readonly text?: string;
    readonly message?: { readonly content: string };
    readonly delta?: { readonly content?: string };
    readonly finish_reason?: string | null;
  }[];
  readonly message?: { readonly content: string };
  readonly response?: string;
  readonly done_reason?: string;
}

const said = ({ choices, message, response }: Event): string => {
  const [choice] = choices ?? [];
  return choice?.text ?? choice?.message?.content ?? choice?.delta?.content ?? message?.content ?? response ?? '';
};

/** Events of either API: lines of JSON, or of `data:`. */
export const eventsIn = (body: string): Event[] =>
  body
    .split('\n')
    .map((line) => line.replace(/^data: /, '').trim())
    .filter((line) => line !== '' && line !== '[DONE]')
    .map((line) => JSON.parse(line) as Event);

const ENDPOINTS = {
  '/v1/chat/completions': (content: string) => ({ messages: [{ role: 'user', content }] }),
  '/v1/completions': (prompt: string) => ({ prompt }),
  '/api/chat': (content: string) => ({ messages: [{ role: 'user', content }] }),
  '/api/generate': (prompt: string) => ({ prompt }),
};
export type Endpoint = keyof typeof ENDPOINTS;
export const endpoints = Object.keys(ENDPOINTS) as readonly Endpoint[];

export async function replyOf(
  { gateway, key }: SiteWorld,
  endpoint: Endpoint,
  service: string,
  question: string,
  stream: boolean,
): Promise<Reply> {
  const response = await fetch(`${gateway}${endpoint}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: service, stream, ...ENDPOINTS[endpoint](question) }),
  });
  const body = await response.text();
  if (response.status !== 200) throw new Error(`${endpoint}: ${response.status} ${body}`);
  const events = eventsIn(body);
  const texts = events.map(said);
  const finish = events.map(({ choices, done_reason }) => choices?.[0]?.finish_reason ?? done_reason ?? null);
  return {
    text: texts.join(''),
    finish: finish.findLast((one) => one !== null) ?? null,
    pieces: texts.filter((text) => text !== '').length,
  };
}
