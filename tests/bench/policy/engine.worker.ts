import type { PolicyRule } from '@openward/contracts';
import {
  compilePolicy,
  type CompiledPolicy,
  type InputDecision,
  NO_SITE_TERMS,
  type StreamMode,
} from '@openward/policy';
import { policyOf, realisticRules, realisticText } from '@openward/policy/testing';
import { quantile } from '../statistics.ts';
import { answer } from '../workers.ts';
import { nativeRules } from './native.ts';

// The engine alone, in a process of its own: a request or a reply of 4 kB under 50 rules, whole and in pieces.

export const RULES = 50;
const LENGTH = 4096;
/** A token or three. */
const PIECE = 12;
const TODAY = '2026-03-01';
/** A phone number, an address and a ward, each of which one rule or several know. */
const FOUND = 'Call +44 20 7946 0958, write to jane.doe@clinic.example, or ask on ward 13a-2045. ';

export interface Task {
  readonly engine: 'openward' | 'native';
  readonly stage: 'input' | 'output';
  /** Whether any rule hits. */
  readonly hits: boolean;
  readonly ms: number;
}

export interface Taken {
  readonly times: number;
  readonly p50: number;
  readonly p99: number;
}

export interface Streamed {
  readonly mode: StreamMode['kind'];
  readonly heldBack: number | null;
  readonly pieces: number;
  readonly push: Taken;
  readonly end: Taken;
  /** All pushes and the end of one reply. */
  readonly reply: Taken;
}

/** Of the same length and never the same twice in a row, so that nothing is known from before. */
const texts = (hits: boolean): readonly string[] =>
  Array.from({ length: 64 }, (_, i) => {
    const text = realisticText(2 * LENGTH).slice(i * 7, i * 7 + LENGTH);
    return hits ? `${text.slice(0, 2000)}. ${FOUND}${text.slice(2000)}`.slice(0, LENGTH) : text;
  });

const now = (): number => performance.now();

function compile(rules: readonly PolicyRule[]): CompiledPolicy {
  const compiling = compilePolicy(policyOf(rules), NO_SITE_TERMS);
  if (compiling.kind === 'ok') return compiling.compiled;
  throw new Error(`the bench's policy is refused: ${JSON.stringify(compiling.findings)}`);
}

const taken = (ms: readonly number[]): Taken => ({ times: ms.length, p50: quantile(ms, 0.5), p99: quantile(ms, 0.99) });

/** What one text takes, over and over for so long. Compiled before: the first third is not counted. */
function measure({ engine, stage, hits, ms }: Task): Taken & { readonly hits: number } {
  const rules = realisticRules(RULES, stage);
  const apply = engine === 'native' ? nativeRules(rules) : openwardRules(rules, stage);
  const all = texts(hits);
  const took: number[] = [];
  let found = 0;
  const began = now();
  for (let i = 0; now() - began < ms * 1.5 || took.length < 10; i += 1) {
    const text = all[i % all.length]!;
    const start = now();
    const result = apply(text);
    const end = now();
    found = Math.max(found, result.hits);
    if (start - began > ms / 2) took.push(end - start);
  }
  return { ...taken(took), hits: found };
}

function openwardRules(rules: readonly PolicyRule[], stage: Task['stage']): (text: string) => { hits: number } {
  const compiled = compile(rules);
  if (stage === 'input')
    return (text) => {
      const turns = [{ role: 'user' as const, text }];
      return { hits: compiled.applyInput({ turns, language: 'en', today: TODAY }, now).hits.length };
    };
  const input = go(compiled);
  return (text) => ({ hits: compiled.applyReply(input, text, 'stop', now).hits.length });
}

function go(compiled: CompiledPolicy): InputDecision & { readonly kind: 'go' } {
  const input = compiled.applyInput({ turns: [], language: 'en', today: TODAY }, now);
  if (input.kind === 'go') return input;
  throw new Error("the bench's policy blocks an empty request");
}

/** A reply in pieces. `annotated`: one rule annotates, so that the whole reply is held back. */
function stream({ annotated, ms }: { readonly annotated: boolean; readonly ms: number }): Streamed {
  const rules = realisticRules(RULES, 'output').map((rule, i): PolicyRule => {
    return annotated && i === 3 ? { ...rule, action: { does: 'annotate' } } : rule;
  });
  const compiled = compile(rules);
  const input = go(compiled);
  const all = texts(false);
  const pieces = Math.ceil(LENGTH / PIECE);
  const [pushes, ends, replies]: [number[], number[], number[]] = [[], [], []];
  const began = now();
  for (let i = 0; now() - began < ms * 1.5 || replies.length < 3; i += 1) {
    const text = all[i % all.length]!;
    const filter = compiled.openReply(input, now);
    const counts = now() - began > ms / 2;
    let sum = 0;
    for (let at = 0; at < text.length; at += PIECE) {
      const start = now();
      filter.push(text.slice(at, at + PIECE));
      const took = now() - start;
      sum += took;
      if (counts) pushes.push(took);
    }
    const start = now();
    filter.end('stop');
    const took = now() - start;
    if (!counts) continue;
    ends.push(took);
    replies.push(sum + took);
  }
  const mode = compiled.stream;
  return {
    mode: mode.kind,
    heldBack: mode.kind === 'window' ? mode.heldBack : null,
    pieces,
    push: taken(pushes),
    end: taken(ends),
    reply: taken(replies),
  };
}

const questions = answer({ measure, stream });
export type EngineWorker = typeof questions;
