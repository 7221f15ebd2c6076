import { NO_SITE_TERMS } from '@openward/policy';
import { describe, expect, test } from 'vitest';
import { WAYS } from './clients.fixture.ts';
import { annotate, block, clinic, EMAIL, input, output, redact, serve } from './clinic.fixture.ts';
import { compiledPolicy } from './compiled.ts';
import { shortly } from './policy.fixture.ts';
import { until } from './release.fixture.ts';

// The rules of the next policy, and of this one, that only count.

describe('shadow', () => {
  test('the next policy’s rules are counted after the reply, whatever their mode, and change nothing', async () => {
    const { url, site, runtime, counts } = await serve(clinic([{ ...output(annotate), mode: 'shadow' }]));
    const next = clinic([input(annotate), output(block), { ...output(redact, EMAIL, 'other'), mode: 'shadow' }], {
      revision: 4,
    });
    site.shadow = { compiled: compiledPolicy(next, NO_SITE_TERMS) };
    runtime.pieces = ['it is ann', '@home.org'];
    for (const ask of Object.values(WAYS))
      expect((await ask(url, [{ role: 'user', content: 'bob@home.org' }])).text).toBe('it is ann@home.org');
    const all: ReturnType<typeof counts.take>[number][] = [];
    await until(() => {
      all.push(...counts.take());
      const judged = all.filter(({ mode, rule }) => mode === 'next' && rule === null);
      return judged.reduce((sum, { count }) => sum + count, 0) === 8;
    });
    counts.giveBack(all);
    const kept = counts.take();
    expect(shortly(kept)).toEqual([
      '* input enforce judged 4',
      '* input next judged 4',
      '* output next judged 4',
      '* output shadow judged 4',
      'in next annotate 4',
      'other next redact 4',
      'out next block 4',
      'out shadow annotate 4',
    ]);
    expect(kept.filter(({ mode }) => mode === 'next').every(({ revision }) => revision === 4)).toBe(true);
  });

  test('a shadow that cannot even be found out is none', async () => {
    const { url, site } = await serve(clinic([]));
    Object.defineProperty(site, 'shadow', {
      get: () => {
        throw new Error('the disk is full');
      },
    });
    expect((await WAYS['ollama, whole']!(url, [{ role: 'user', content: 'hi' }])).text).toBe('ok');
  });

  test('a shadow that breaks is seen by no request and counts nothing, and the log tells of it once', async () => {
    const { url, site, counts, told } = await serve(clinic([]));
    const compiled = compiledPolicy(clinic([input(annotate)], { revision: 4 }), NO_SITE_TERMS);
    let asked = 0;
    site.shadow = {
      compiled: {
        ...compiled,
        policy: compiled.policy,
        watch: () => {
          asked += 1;
          throw new TypeError('broken by: hi');
        },
      },
    };
    for (const times of [1, 2]) {
      expect((await WAYS['openai, whole']!(url, [{ role: 'user', content: 'hi' }])).text).toBe('ok');
      await until(() => asked === times);
    }
    expect(told).toEqual([['error', 'policy.shadowBroke', { service: 'triage', name: 'TypeError' }]]);
    expect(counts.take()).toEqual([]);
    expect(counts.troubles(() => compiled.policy)).toEqual([]);
  });
});
