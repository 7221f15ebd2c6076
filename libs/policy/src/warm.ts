import type { CompiledPolicy, Monotonic } from './model.ts';

// Automata of patterns are made while they run, and so is the machine code of expressions: without this, the first request after a
// switch would pay for both, some twenty times what the next one pays.

/** Sentences of no policy in particular, with what makes recognisers look twice. */
const ANY_TEXTS: readonly string[] = [
  'Take 5 mg of lisinopril once a day; 142/91 mmHg on 12 March 2026 is above 120/80.',
  'Née à Łódź, größer als 1,5 g: “cœur”. Call me on 020 7946 0958 or write to ann@example.org.',
  'NHS number 943 476 5918, card 4111 1111 1111 1112, DOB 04/05/1970.',
];

/** A text is read in one go for all rules together, and the clock is asked behind it: so the longest says how late the end may come. */
const LONGEST = 300;

/**
 * Puts a policy's own tests to it, and texts of no policy, without asking what comes of them, for `mostMs` and no longer than the step
 * takes that was begun by then: one rule, or the reading of one text. Test texts over 300 characters are left out. Changes nothing
 * that could be seen but how soon the next request is judged.
 */
export function warmUp(compiled: CompiledPolicy, now: Monotonic, mostMs: number): void {
  const { rules, tests, languages } = compiled.policy;
  if (rules.length === 0) return;
  const end = now() + mostMs;
  const untilEnd: Monotonic = () => {
    const at = now();
    if (at > end) throw new Error('warm enough');
    return at;
  };
  const texts = [
    ...ANY_TEXTS,
    ...tests.flatMap(({ messages, reply }) => [...messages.map(({ content }) => content), reply]),
  ].filter(({ length }) => length <= LONGEST);
  for (let round = 0; round < 2; round += 1) {
    for (const text of texts) {
      if (now() > end) return;
      judge(compiled, text, languages[0] ?? 'en', untilEnd);
    }
  }
}

function judge(compiled: CompiledPolicy, text: string, language: string, now: Monotonic): void {
  try {
    const input = compiled.applyInput({ turns: [{ role: 'user', text }], language, today: '2026-03-01' }, now);
    const asked =
      input.kind === 'go' ? input : ({ ...input, kind: 'go', turns: [], today: '2026-03-01', notices: [] } as const);
    compiled.applyReply(asked, text, 'stop', now);
    for (const stage of ['input', 'output'] as const)
      compiled.watch({ whose: 'shadow', stage, texts: [text], language, today: '2026-03-01' }, now);
    if (compiled.stream.kind !== 'window') return;
    const filter = compiled.openReply(asked, now);
    for (let at = 0; at < text.length; at += 40) filter.push(text.slice(at, at + 40));
    filter.end('stop');
  } catch {
    // The time is over; or a rule breaks, and fails closed at the request that meets it.
  }
}
