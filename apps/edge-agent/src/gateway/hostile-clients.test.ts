import { readFileSync } from 'node:fs';
import type { ChatTemplate } from '@openward/contracts';
import { afterEach, describe, expect, test } from 'vitest';
import { ATTEMPTS, hostileTable, type Outcome } from './hostile-clients.fixture.ts';
import { policyWith, ruleWith, serveUnder, type PolicyWorld } from './policy.fixture.ts';
import { KEY, releaseOf } from './release.fixture.ts';

const systemOf = ({ bos, system, user }: ChatTemplate): string =>
  `${bos}${system.before}SYS${system.after}${user.before}`;

let world: PolicyWorld | null = null;
afterEach(() => {
  world?.close();
  world = null;
});

const POLICY = policyWith({
  rules: [
    ruleWith({
      id: 'weapons',
      stage: 'input',
      match: { kind: 'topic', phrases: { en: ['nerve agent'], fr: ['agent neurotoxique'] } },
      action: { does: 'block', text: 'refusal' },
    }),
    ruleWith({
      id: 'mail',
      stage: 'output',
      match: { kind: 'identifier', identifier: 'email' },
      action: { does: 'redact', marker: '[mail]' },
    }),
  ],
  texts: { refusal: { en: 'No.', fr: 'Non.' } },
  variables: [{ name: 'emergencyNumber', description: 'd', default: '112', setBySite: true }],
});

const post = (url: string, body: string, headers: Readonly<Record<string, string>>): Promise<Response> =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', ...headers },
    body,
  });

async function outcomeOf(answer: Response, isAsked: boolean): Promise<Outcome> {
  const body = await answer.text();
  if (answer.status === 400)
    return { kind: 'refused', code: (JSON.parse(body) as { error: { code: string } }).error.code };
  expect(answer.status).toBe(200);
  expect(body.includes('"content_filter"')).toBe(!isAsked);
  if (!isAsked) return { kind: 'blocked' };
  return { kind: body.includes('[mail]') ? 'redacted' : 'through' };
}

describe.each([...new Set(ATTEMPTS.map(({ group }) => group))])('a hostile client: %s', (group) => {
  test.for(ATTEMPTS.filter((attempt) => attempt.group === group))(
    '$does',
    async ({ body, raw, headers, policy, template, marks, model, outcome }) => {
      world = await serveUnder({ ...POLICY, ...policy }, null, template);
      world.site.marks = marks ?? [];
      world.runtime.pieces = model ?? ['ok'];
      const answer = await post(world.url, raw ?? JSON.stringify({ model: 'triage', ...body }), headers ?? {});
      expect(await outcomeOf(answer, world.runtime.asked.length > 0)).toEqual(outcome);
      for (const { prompt } of world.runtime.asked) {
        expect(prompt.startsWith(systemOf(template ?? releaseOf(1).model.template))).toBe(true);
        expect(prompt).not.toContain('112');
      }
    },
  );
});

test('`stop` and `max_tokens` of a client cut what the model says, never an escalation or the disclaimer', async () => {
  world = await serveUnder({
    ...POLICY,
    rules: [{ ...POLICY.rules[0]!, action: { does: 'escalate', text: 'refusal' } }],
    disclaimer: 'refusal',
  });
  const messages = [{ role: 'user', content: 'nerve agent' }];
  const answer = await post(world.url, JSON.stringify({ model: 'triage', messages, max_tokens: 1, stop: ['No.'] }), {});
  expect(await answer.json()).toMatchObject({ choices: [{ message: { content: 'No.\n\nok\n\nNo.' } }] });
});

test('the documentation lists what was tried here, and what gets through', () => {
  const page = readFileSync(new URL('../../../../docs/policy.md', import.meta.url), 'utf8');
  const compact = (text: string) => text.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---');
  expect(compact(page)).toContain(compact(hostileTable()));
});
