import type { CompiledPolicy, Monotonic } from './model.ts';

// Automata of patterns are made while they run, and so is the machine code of expressions: without this, the first request after a
// switch would pay for both, some twenty times what the next one pays.

/** Sentences of no policy in particular, with what makes recognisers look twice. */
const ANY_TEXT =
  'Take 5 mg of lisinopril once a day; 142/91 mmHg on 12 March 2026 is above 120/80. Née à Łódź, größer als 1,5 g: “cœur”. Call me on ' +
  '020 7946 0958 or write to ann@example.org, NHS number 943 476 5918, card 4111 1111 1111 1112, DOB 04/05/1970. ';

/**
 * Puts a policy's own tests to it, and a text of no policy, without asking what comes of them, for `mostMs` at the most. Changes
 * nothing that could be seen but how soon the next request is judged.
 */
export function warmUp(compiled: CompiledPolicy, now: Monotonic, mostMs: number): void {
  const { rules, tests, languages } = compiled.policy;
  if (rules.length === 0) return;
  const end = now() + mostMs;
  const texts = [
    ANY_TEXT,
    ...tests.flatMap(({ messages, reply }) => [...messages.map(({ content }) => content), reply]),
  ];
  for (let round = 0; round < 2; round += 1) {
    for (const text of texts) {
      if (now() > end) return;
      judge(compiled, text, languages[0] ?? 'en');
    }
  }
}

function judge(compiled: CompiledPolicy, text: string, language: string): void {
  const standing: Monotonic = () => 0;
  try {
    const input = compiled.applyInput({ turns: [{ role: 'user', text }], language, today: '2026-03-01' }, standing);
    const asked =
      input.kind === 'go' ? input : ({ ...input, kind: 'go', turns: [], today: '2026-03-01', notices: [] } as const);
    compiled.applyReply(asked, text, 'stop', standing);
    for (const stage of ['input', 'output'] as const)
      compiled.watch({ whose: 'shadow', stage, texts: [text], language, today: '2026-03-01' }, standing);
    if (compiled.stream.kind !== 'window') return;
    const filter = compiled.openReply(asked, standing);
    for (let at = 0; at < text.length; at += 40) filter.push(text.slice(at, at + 40));
    filter.end('stop');
  } catch {
    // A rule that breaks fails closed at the request that meets it.
  }
}
