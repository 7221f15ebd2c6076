import { createHash } from 'node:crypto';
import type { Held } from '@openward/activation';
import { digestOf, plainPolicy, type Release } from '@openward/contracts';

// One service's releases, the key of its one application, and waiting for what comes by itself.

export const KEY = 'owk-test-key';
const KEY_DIGEST = createHash('sha256').update(KEY).digest('hex');
export const keyOf = (digest: string): string | null => (digest === KEY_DIGEST ? 'k1' : null);

const artifact = { manifest: digestOf('m'), file: digestOf('f'), size: 1, family: 'nano' };
/** Release `number` of the service that these tests ask, with what matters to the test set in its model. */
export const releaseOf = (number: number, model: Partial<Release['model']> = {}): Release => ({
  v: 1,
  service: {
    name: 'triage',
    purpose: 'p',
    users: 'u',
    languages: ['en'],
    riskClass: 'high',
    fallbackText: 'Call 112.',
  },
  number,
  change: 'base',
  model: {
    name: 'nano',
    version: String(number),
    family: 'nano',
    kind: 'base',
    template: {
      bos: '<s>',
      system: { before: '<sys>', after: '' },
      user: { before: '<usr>', after: '' },
      assistant: { before: '<ans>', after: '' },
      stop: ['</s>'],
    },
    contextLength: 64,
    trainingStatement: '',
    variants: [{ variant: 'f16', artifact, needs: { threads: 1, memoryBytes: 1 } }],
    ...model,
  },
  policy: plainPolicy('SYS', { revision: 7 }),
  parameters: { temperature: 0, maxTokens: 8 },
  suite: { name: 's', version: 1, digest: digestOf('s'), artifact },
});
export const heldOf = (number: number): Held => ({
  key: `key-${number}`,
  release: digestOf(releaseOf(number)),
  number,
  variant: 'f16',
  document: artifact,
  artifact,
  chain: null,
});

export const until = async (holds: () => boolean): Promise<void> => {
  for (const deadline = performance.now() + 5_000; !holds();) {
    if (performance.now() > deadline) throw new Error('it never came true');
    await new Promise((resolve) => setImmediate(resolve));
  }
};
