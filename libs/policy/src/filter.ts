import type { Monotonic, ReplyEnd, ReplyFilter, StreamMode } from './model.ts';
import { hitsOf } from './matching.ts';
import { aroundReply } from './notices.ts';
import { applyToReply, type Go, noticesOf, type OutputStage } from './reply.ts';
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
      const rules = stage.enforced.rules.filter((it): it is WindowRule => it.kind === 'finder');
      return flowFilter(stage, input, now, openWindow(rules, stage.enforced.others.may, input, now));
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
  const open = (text: string): string => {
    const out = opening + text;
    opening = '';
    return out;
  };
  return {
    beside,
    push: (piece) => open(window.push(piece)),
    end: (finishReason): ReplyEnd => {
      const { text, matched } = window.end();
      const hits = hitsOf(matched);
      const action = strongest([...input.hits, ...hits]);
      return { text: open(text) + after, finishReason, hits, action, beside };
    },
  };
}
