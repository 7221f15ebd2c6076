import { NodeStep, type PermitReply } from '@openward/contracts';
import type { Event } from './events.ts';
import type { Held } from './model.ts';
import { Bench, second, settled } from './testing/bench.ts';
import { aDesiredState, anAssignment, RESULTS } from './testing/documents.ts';
import { heldFor } from './testing/simulated-disk.ts';

// For each step of N1 a node that stands there, on the way from release 1 to release 2; and every event that may come then.

export const STEPS = NodeStep.options;

export function nodeAt(step: NodeStep): Bench {
  const bench = settled().desired([second()]);
  const { service } = bench;
  switch (step) {
    case 'offered':
      bench.command({ kind: 'defer', service, until: bench.wall + 60_000 });
      return bench;
    case 'staged':
      bench.desired([second({ phase: 'prepare' })]);
      return bench.until('staged');
    case 'failed':
      bench.until('evaluating');
      bench.send({ kind: 'evaluated', service, task: bench.task, result: RESULTS.fail });
      return bench;
    case 'rejected':
      bench.command({ kind: 'reject', service, reason: 'not now' });
      return bench;
    case 'superseded':
      return bench.desired([second({ phase: 'withdraw' })]);
    case 'rolledBack':
      bench.until('active').desired([second({ phase: 'rollBack' })]);
      return bench.until('rolledBack');
    case 'committed':
      bench.until('active').judge('ok');
      return bench.desired([second({ phase: 'commit' })]);
    case 'awaitingPreparation':
    case 'fetching':
    case 'verifying':
    case 'evaluating':
    case 'awaitingConsent':
    case 'awaitingPermit':
    case 'activating':
    case 'probing':
    case 'active':
      return bench.until(step);
  }
}

const task = (bench: Bench): { readonly service: string; readonly task: number } => ({
  service: bench.service,
  task: bench.task,
});
const failure = { code: 'internal', reference: '0a0b0c0d' } as const;
const fault = { code: null, reference: '0a0b0c0d' } as const;
const loading = (bench: Bench): number => bench.work.loading?.task ?? 9999;
const probing = (bench: Bench): number => (bench.work.probe.state === 'running' ? bench.work.probe.task : 9999);
const active = (bench: Bench): Held => bench.record.active ?? heldFor(second());
const refusal = (bench: Bench): PermitReply => ({
  ...bench.permit(),
  answer: { granted: false, why: 'paused', retryAfterMs: 1000 },
});
const desired =
  (rest: Parameters<typeof second>[0], recalled: readonly string[] = []) =>
  (): Event => ({ kind: 'desired', doc: aDesiredState(100, [second(rest)], { recalled: [...recalled] }) });
const said =
  (kind: 'halt' | 'resume' | 'rollback' | 'pin' | 'unpin') =>
  ({ service }: Bench): Event => ({ kind: 'command', id: 1, command: { kind, service } });

const EVENTS = {
  fetched: (bench) => ({ kind: 'fetched', ...task(bench) }),
  fetchWaiting: (bench) => ({ kind: 'fetchWaiting', ...task(bench), code: 'chunksMissing' }),
  fetchFailed: (bench) => ({ kind: 'fetchFailed', ...task(bench), ...failure }),
  fetchFault: (bench) => ({ kind: 'fetchFailed', ...task(bench), ...fault }),
  verified: (bench) => ({ kind: 'verified', ...task(bench), held: heldFor(second()) }),
  verifyFailed: (bench) => ({ kind: 'verifyFailed', ...task(bench), ...failure }),
  loaded: (bench) => ({
    kind: 'loaded',
    service: bench.service,
    task: loading(bench),
    chain: { base: second().variant.artifact.file },
  }),
  loadFailed: (bench) => ({ kind: 'loadFailed', ...task(bench), task: loading(bench), ...failure }),
  quarterEvaluated: (bench) => ({ kind: 'quarterEvaluated', ...task(bench), quarters: 1 }),
  passed: (bench) => ({ kind: 'evaluated', ...task(bench), result: RESULTS.pass }),
  gateFailed: (bench) => ({ kind: 'evaluated', ...task(bench), result: RESULTS.fail }),
  inconclusive: (bench) => ({ kind: 'evaluated', ...task(bench), result: RESULTS.inconclusive }),
  gateError: (bench) => ({ kind: 'evaluated', ...task(bench), result: RESULTS.error }),
  evaluateFailed: (bench) => ({ kind: 'evaluateFailed', ...task(bench), ...failure }),
  permitGranted: (bench) => ({ kind: 'permitAnswered', ...task(bench), reply: bench.permit() }),
  permitRefused: (bench) => ({ kind: 'permitAnswered', ...task(bench), reply: refusal(bench) }),
  permitFailed: (bench) => ({ kind: 'permitFailed', ...task(bench) }),
  switched: ({ service, work }) => ({ kind: 'switched', service, held: work.switching ?? heldFor(second()) }),
  switchFailed: ({ service, work }) => ({
    kind: 'switchFailed',
    service,
    held: work.switching ?? heldFor(second()),
    reference: '',
  }),
  probeOk: (bench) => ({ kind: 'probed', ...task(bench), task: probing(bench), result: 'ok', reference: '' }),
  probeFailed: (bench) => ({ kind: 'probed', ...task(bench), task: probing(bench), result: 'failed', reference: '' }),
  judgedOk: (bench) => ({ kind: 'judged', service: bench.service, held: active(bench), final: true, verdict: 'ok' }),
  judgedOver: (bench) => ({
    kind: 'judged',
    service: bench.service,
    held: active(bench),
    final: false,
    verdict: 'over',
  }),
  runtimeExited: () => ({ kind: 'runtimeExited' }),
  tick: () => ({ kind: 'tick' }),
  restart: (bench) => ({ kind: 'booted', entries: [...bench.entries] }),
  sameAgain: (bench) => ({ kind: 'desired', doc: bench.state.durable.desired! }),
  older: () => ({ kind: 'desired', doc: aDesiredState(1, [second({ phase: 'rollBack' })]) }),
  prepare: desired({ phase: 'prepare' }),
  proceed: desired({ phase: 'proceed' }),
  commit: desired({ phase: 'commit' }),
  complete: desired({ phase: 'complete' }),
  withdraw: desired({ phase: 'withdraw' }),
  rollBack: desired({ phase: 'rollBack' }),
  recalled: desired({}, [second().release.digest]),
  newer: () => ({
    kind: 'desired',
    doc: aDesiredState(100, [anAssignment({ number: 3, rollbackTarget: second().rollbackTarget })]),
  }),
  removed: () => ({ kind: 'desired', doc: aDesiredState(100, []) }),
  accept: (bench) => ({ kind: 'command', id: 1, command: bench.yes() }),
  acceptInconclusive: ({ service, assignment }) => ({
    kind: 'command',
    id: 1,
    command: { kind: 'acceptInconclusive', service, assignment: assignment.id, reason: 'few cases here' },
  }),
  defer: ({ service, wall }) => ({ kind: 'command', id: 1, command: { kind: 'defer', service, until: wall + 1000 } }),
  reject: ({ service }) => ({ kind: 'command', id: 1, command: { kind: 'reject', service, reason: 'not now' } }),
  halt: said('halt'),
  resume: said('resume'),
  rollback: said('rollback'),
  pin: said('pin'),
  unpin: said('unpin'),
  acceptSuite: () => ({
    kind: 'command',
    id: 1,
    command: { kind: 'acceptSuite', suite: second().suite.digest, tooFewItems: false },
  }),
  setRules: () => ({
    kind: 'command',
    id: 1,
    command: { kind: 'setRules', rules: { prepare: [{}], activate: [{}] } },
  }),
} satisfies Record<string, (bench: Bench) => Event>;

export type Column = keyof typeof EVENTS;
export const COLUMNS = Object.keys(EVENTS) as readonly Column[];

/** Where the attempt stands after the event; `-` where it stays, a refusal as `no:`, another attempt as `next:`. */
export type Outcome = NodeStep | '-' | `next:${NodeStep}` | `no:${string}`;

export function outcome(step: NodeStep, column: Column): Outcome {
  const bench = nodeAt(step);
  const { id } = bench.assignment;
  const effects = bench.send(EVENTS[column](bench));
  const answer = effects.find((effect) => effect.kind === 'answer')?.answer;
  if (answer?.done === false) return `no:${answer.why}`;
  if (bench.assignment.id !== id) return `next:${bench.step}`;
  return bench.step === step ? '-' : bench.step;
}
