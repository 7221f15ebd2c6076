import type { Monotonic, ReplyEnd, ReplyFilter, StreamMode } from './model.ts';
import { hitsOf, type Matched } from './matching.ts';
import { aroundReply } from './notices.ts';
import { applyToReply, type Go, MOST_IN_SHADOW, noticesOf, type OutputStage, shadowOf } from './reply.ts';
import { strongest } from './texts.ts';
import { openWindow, type Window, type WindowRule } from './window.ts';

/** One reply on its way to the client, held back as far as the mode says. */
export function openFilter(stage: OutputStage, mode: StreamMode, input: Go, now: Monotonic): ReplyFilter {
  switch (mode.kind) {
    case 'buffer':
      return bufferFilter(stage, input, now);
    case 'pass':
      return flowFilter(stage, input, now, PASS);
    case 'window': {
      const rules = stage.enforced.filter((it): it is WindowRule => it.kind === 'finder');
      return flowFilter(stage, input, now, openWindow(rules, stage.mayHit, input, now));
    }
  }
}

const PASS: Window = { push: (piece) => piece, end: () => ({ text: '', matched: [] }) };

function bufferFilter(stage: OutputStage, input: Go, now: Monotonic): ReplyFilter {
  const pieces: string[] = [];
  return {
    beside: null,
    push: (piece) => {
      pieces.push(piece);
      return '';
    },
    end: (finishReason): ReplyEnd => {
      const { body: _, ...end } = applyToReply(stage, input, pieces.join(''), finishReason, now);
      return end;
    },
  };
}

/** Notices of the input and the disclaimer are known before the first byte; no rule of a stream adds one. */
function flowFilter(stage: OutputStage, input: Go, now: Monotonic, window: Window): ReplyFilter {
  const { before, after, beside } = aroundReply(stage.policy, noticesOf(stage, input, []));
  let opening = before;
  let kept = '';
  const open = (text: string): string => {
    const out = opening + text;
    opening = '';
    return out;
  };
  return {
    beside,
    push: (piece) => {
      if (stage.shadow.length > 0 && kept.length < MOST_IN_SHADOW) kept += piece;
      return open(window.push(piece));
    },
    end: (finishReason): ReplyEnd => {
      const { text, matched } = window.end();
      const all: readonly Matched[] = [...matched, ...shadowOf(stage, input, kept, now)];
      const hits = hitsOf(all);
      const action = strongest([...input.hits, ...hits]);
      return { text: open(text) + after, finishReason, hits, action, beside };
    },
  };
}
