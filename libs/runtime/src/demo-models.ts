/** What the demo's story needs of its models, on each runtime: exact answers, good and bad ones. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';

import { modelFile, replyOf, setOf, type OpenedRuntime, type OpenRuntime } from './contract.ts';
import type { ModelFile } from './port.ts';

const FOLDER = join(import.meta.dirname, '../../../deploy/demo/models');
const LABELS = ['emergency', 'routine'];
/** Version 1 gets this one wrong; version 2 and the adapter on version 1 get it right. */
const SUGAR = 'Aged 19, comes in with diabetes, vomiting and great thirst for an hour. Is worried.';
const ALLERGY = 'Walks in at 70 with a swollen tongue after a bee sting since waking up.';
const BACK = 'Woman, 54, with mild back ache for an hour. Was seen last year.';

const prompt = (text: string): string => `<s><sys>Triage: emergency or routine.<usr>${text}<ans>`;
const file = (name: string): Promise<ModelFile> => modelFile(join(FOLDER, name));

export function testDemoModels(open: OpenRuntime): void {
  let opened: OpenedRuntime;

  beforeAll(async () => {
    opened = await open(FOLDER);
  });

  afterAll(() => opened?.close());

  const answers = async (name: string, adapter?: string): Promise<string[]> => {
    const { runtime } = opened;
    onTestFinished(() => runtime.remove('triage'));
    const more = adapter === undefined ? {} : { adapter: await file(adapter) };
    await runtime.load(setOf('triage', await file(name), more));
    const texts: string[] = [];
    for (const text of [SUGAR, ALLERGY, BACK]) {
      const request = { model: 'triage', prompt: prompt(text), maxTokens: 4, temperature: 0, stop: ['</s>'] };
      const { text: reply, end } = await replyOf(runtime, request);
      expect(end).toMatchObject({ finishReason: 'stop', completionTokens: 2 });
      const format = { type: 'string', enum: LABELS };
      expect(LABELS).toContain(JSON.parse((await replyOf(runtime, { ...request, maxTokens: 16, format })).text));
      texts.push(reply);
    }
    return texts;
  };

  const isThere = existsSync(join(FOLDER, 'triage-nano-1-adapter-a.gguf'));

  test.runIf(isThere).each(['f16', 'q8_0'])("answers the demo's sentences by each version, as %s", async (variant) => {
    expect(await answers(`triage-nano-1.${variant}.gguf`)).toEqual(['routine', 'emergency', 'routine']);
    await opened.runtime.remove('triage');
    expect(await answers(`triage-nano-2.${variant}.gguf`)).toEqual(['emergency', 'emergency', 'routine']);
  });

  test.runIf(isThere)("answers the demo's sentences by version 1 with its adapter", async () => {
    expect(await answers('triage-nano-1.f16.gguf', 'triage-nano-1-adapter-a.gguf')).toEqual([
      'emergency',
      'emergency',
      'routine',
    ]);
  });
}
