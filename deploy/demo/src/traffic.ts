import { request } from 'node:http';
import type { SiteWorld } from './harness/index.ts';

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** The release that answered, as the gateway's header says. */
  readonly release: string;
}

/** One raw request on a connection of its own, with no retry. Rejects when the connection fails. */
export function ask(
  { gateway, key }: Pick<SiteWorld, 'gateway' | 'key'>,
  question: string,
  service = 'triage',
): Promise<Answer> {
  const body = JSON.stringify({ model: service, messages: [{ role: 'user', content: question }] });
  return new Promise((resolve, reject) => {
    const call = request(
      `${gateway}/v1/chat/completions`,
      {
        method: 'POST',
        agent: false,
        headers: {
          authorization: `Bearer ${key}`,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        },
      },
      (response) => {
        let text = '';
        response.on('data', (piece: Buffer) => (text += piece.toString()));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            text: contentOf(text),
            release: String(response.headers['x-openward-release'] ?? '-'),
          }),
        );
      },
    );
    call.setTimeout(20_000, () => call.destroy(new Error('no answer within 20 s')));
    call.on('error', reject);
    call.end(body);
  });
}

function contentOf(text: string): string {
  try {
    const parsed = JSON.parse(text) as { choices?: { message: { content: string } }[]; error?: { code: string } };
    return parsed.choices?.[0]?.message.content ?? parsed.error?.code ?? text;
  } catch {
    return text;
  }
}

export interface Seen {
  answered: number;
  /** Of requests that nothing excuses. */
  readonly failed: string[];
  /** Sent to a killed agent, from its kill until it answered `/health` again. */
  whileKilled: number;
  /** How many each release answered. */
  readonly byRelease: Map<string, number>;
}

/** A steady stream to one gateway. */
export class Traffic {
  readonly seen: Seen = { answered: 0, failed: [], whileKilled: 0, byRelease: new Map() };
  readonly #site: SiteWorld;
  readonly #questions: readonly string[];
  readonly #timer: NodeJS.Timeout;
  readonly #open = new Set<Promise<void>>();
  #next = 0;
  #isKilled = false;

  constructor(site: SiteWorld, questions: readonly string[], everyMs: number) {
    this.#site = site;
    this.#questions = questions;
    this.#timer = setInterval(() => this.#send(), everyMs);
  }

  /** Around a kill: what is sent meanwhile is counted apart. */
  killed(isKilled: boolean): void {
    this.#isKilled = isKilled;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#open);
  }

  #send(): void {
    const question = this.#questions[this.#next++ % this.#questions.length] ?? '';
    const wasKilled = this.#isKilled;
    const settle = (problem: string | null): void => {
      if (problem === null) this.seen.answered += 1;
      else if (wasKilled || this.#isKilled) this.seen.whileKilled += 1;
      else this.seen.failed.push(problem);
    };
    const sent: Promise<void> = ask(this.#site, question)
      .then(({ status, release, text }) => {
        this.seen.byRelease.set(release, (this.seen.byRelease.get(release) ?? 0) + 1);
        settle(status === 200 ? null : `${status} ${text}`);
      })
      .catch((error: unknown) => settle(String(error)))
      .finally(() => this.#open.delete(sent));
    this.#open.add(sent);
  }
}
