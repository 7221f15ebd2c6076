import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Network } from './scenario-network.fixture.ts';
import { SENTENCES } from './scenario-sentences.fixture.ts';

// Reads `scenarios/*.txt`: lines of what happens, a line of dashes, and what the control plane does about it. All of it goes
// through the real drivers on the stores in memory. UPDATE_SCENARIOS=1 writes the answers down; read the difference.

const FOLDER = new URL('../scenarios/', import.meta.url);

async function run(text: string): Promise<string> {
  const network = new Network();
  const out: string[] = [];
  let isAnswer = false;
  for (const line of text.split('\n')) {
    if (line === '----') {
      out.push(line, ...network.said.splice(0));
      isAnswer = true;
    } else if (line.trim() === '') {
      out.push(line);
      isAnswer = false;
    } else if (!isAnswer) {
      out.push(line);
      if (!line.startsWith('#')) await act(network, line);
    }
  }
  return out.join('\n');
}

async function act(network: Network, line: string): Promise<void> {
  for (const [pattern, does] of SENTENCES) {
    const match = pattern.exec(line);
    if (match === null) continue;
    await does(network, match);
    return network.settle();
  }
  throw new Error(`no such sentence: ${line}`);
}

describe('the scenarios, as a domain expert reads them', () => {
  for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.txt'))) {
    it(file.replace('.txt', '').replaceAll('-', ' '), async () => {
      const url = new URL(file, FOLDER);
      const text = readFileSync(url, 'utf8');
      const seen = await run(text);
      if (process.env['UPDATE_SCENARIOS'] === '1') writeFileSync(url, seen);
      else expect(seen).toBe(text);
    });
  }
});
