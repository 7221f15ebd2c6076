import type { Clearer, RolloutNodeView, RolloutStatus, RolloutView, Wait } from '@openward/contracts';
import { table } from '../table.ts';
import type { Paint, Tone } from '../terminal.ts';
import { agoOf, spaced } from '../words.ts';

// What `rollouts watch` shows. Who reads only this can tell why anything waits, since when, and who can clear it.

const STATUS: Readonly<Record<RolloutStatus, Tone>> = {
  running: 'plain',
  paused: 'warn',
  rollingBack: 'bad',
  completed: 'good',
  aborted: 'bad',
  rolledBack: 'bad',
};
const STANDING: Readonly<Record<RolloutNodeView['standing'], Tone>> = {
  good: 'good',
  failed: 'bad',
  declined: 'warn',
  unknown: 'plain',
};
const VERDICT: Readonly<Record<RolloutView['waves'][number]['verdict'], Tone>> = {
  pass: 'good',
  fail: 'bad',
  inconclusive: 'warn',
  open: 'plain',
  notStarted: 'dim',
};
export const CLEARER: Readonly<Record<Clearer, string>> = {
  site: 'the site',
  networkAdmin: 'a network admin',
  time: 'time',
  node: 'the node',
  network: 'the network, when it is back',
};

/** Of a quorum it is never one node alone. */
const clearerOf = ({ code, clearedBy }: Pick<Wait, 'code' | 'clearedBy'>): string =>
  code === 'quorum' && clearedBy === 'node' ? 'the nodes of the wave' : CLEARER[clearedBy];

export function rolloutText(view: RolloutView, now: number, paint: Paint): string {
  const { id, service, release, status, startedAt, startedBy, endedAt, awaited } = view;
  const head = `${paint('bold', `${service} release ${release.number}`)}  ${id}  ${paint(STATUS[status], spaced(status))}\n`;
  const ended =
    endedAt === null
      ? ''
      : `, ended ${agoOf(endedAt, now)} (${endedAt})${awaited === 0 ? '' : `, and awaits ${awaitedText(awaited)}`}`;
  return [
    head,
    `started ${agoOf(startedAt, now)} by ${startedBy}${ended}\n`,
    view.ending === null ? '' : `${endingText(view)}\n`,
    `\n${wavesTable(view, now, paint)}`,
    `\n${nodesTable(view, paint)}`,
    view.nodes.some(({ soak }) => soak === 'tooFewRequests') ? TOO_FEW_REQUESTS : '',
    failuresText(view),
    waitsText(view, now, paint),
  ].join('');
}

/** No alarm, though it reads like one. */
const TOO_FEW_REQUESTS =
  'Too few requests: the soak ended with fewer than the plan judges errors by. Probe and restarts alone were judged, and the node is good.\n';

/** What each evaluation that could not be run stumbled over, once. */
function failuresText({ nodes }: RolloutView): string {
  const texts = nodes.flatMap(({ failure }) => (failure == null ? [] : `${spaced(failure.code)}: ${failure.what}`));
  return [...new Set(texts)].map((text) => `Gate error, ${text}.\n`).join('');
}

/** `rolled back by engine: 1 failed, 0 tolerated: district-1 (gate failed)`. */
function endingText({ status, ending }: RolloutView): string {
  if (ending === null) return spaced(status);
  return `${spaced(status)} by ${ending.by}${ending.why === null ? '' : `: ${ending.why}`}`;
}

function wavesTable({ waves }: RolloutView, now: number, paint: Paint): string {
  const rows = waves.map(({ wave, verdict, good, needed, failed, declined, unknown, deadline, waived }) => [
    String(wave + 1),
    paint(VERDICT[verdict], spaced(verdict)) + (waived === null ? '' : `, waived by ${waived.by}: ${waived.reason}`),
    `${good} of ${needed}`,
    String(failed),
    String(declined),
    String(unknown),
    verdict === 'open' && deadline !== null ? untilOf(deadline, now) : '-',
  ]);
  return table(['wave', 'gate', 'good', 'failed', 'declined', 'unknown', 'deadline'], rows);
}

function untilOf(deadline: string, now: number): string {
  const seconds = Math.round((Date.parse(deadline) - now) / 1000);
  return seconds > 0 ? `in ${agoOf(new Date(now - seconds * 1000).toISOString(), now).replace(/ ago$/, '')}` : 'passed';
}

function nodesTable({ nodes }: RolloutView, paint: Paint): string {
  const rows = nodes.map((node) => [
    String(node.wave + 1),
    node.node,
    node.site,
    paint(STANDING[node.standing], node.standing) + marksOf(node),
    node.step === null ? 'not reached' : spaced(node.step),
    gateOf(node),
    node.soak === null ? '-' : spaced(node.soak),
    [node.outcome, node.reason, node.failure?.code ?? null]
      .filter((it) => it !== null)
      .map(spaced)
      .join(': ') || '-',
  ]);
  return table(['wave', 'node', 'site', 'standing', 'step', 'gate', 'soak', 'outcome'], rows);
}

function marksOf({ late, owed, attempt }: RolloutNodeView): string {
  const marks = [late ? 'late' : '', owed ? 'owed' : '', attempt > 1 ? `attempt ${attempt}` : ''].filter(Boolean);
  return marks.length === 0 ? '' : ` (${marks.join(', ')})`;
}

function gateOf({ gate }: RolloutNodeView): string {
  if (gate === null) return '-';
  const why = gate.reason === null ? '' : `: ${spaced(gate.reason)}`;
  return `${gate.verdict}${why}${gate.waivedBySite ? ', waived by the site' : ''}`;
}

interface PlacedWait extends Wait {
  readonly who: string;
}

export function waitsOf(view: RolloutView): PlacedWait[] {
  const paused = new Set(view.waits.map(({ code }) => code as string));
  return [
    // A pause without a wait of its own is shown all the same.
    ...view.pauses
      .filter(({ code }) => !paused.has(code))
      .map(({ code, since, by, detail }) => ({
        who: 'rollout',
        code,
        since,
        clearedBy: 'networkAdmin' as const,
        what: `paused${by === null ? '' : ` by ${by}`}: ${detail ?? spaced(code)}`,
      })),
    ...view.waits.map((wait) => ({ who: 'rollout', ...wait })),
    ...view.nodes.flatMap(({ node, waits }) => waits.map((wait) => ({ who: node, ...wait }))),
  ];
}

function waitsText(view: RolloutView, now: number, paint: Paint): string {
  const waits = waitsOf(view);
  if (waits.length === 0) return '';
  const rows = waits.map(({ who, code, what, since, clearedBy }) => [
    who,
    spaced(code),
    what,
    agoOf(since, now),
    paint(clearedBy === 'site' || clearedBy === 'networkAdmin' ? 'warn' : 'plain', clearerOf({ code, clearedBy })),
  ]);
  return `\nWaits:\n${table(['who', 'for', 'what', 'since', 'cleared by'], rows)}`;
}

/** One line for each thing that changed, for a log. `before` is null at the first look. */
export function changesOf(before: RolloutView | null, view: RolloutView): string[] {
  const lines: string[] = [];
  if (before?.status !== view.status) {
    const at = view.endedAt === null ? '' : ` at ${view.endedAt}`;
    lines.push(`rollout ${view.id}: ${endingText(view)}${at}`);
  }
  for (const wave of view.waves) {
    const was = before?.waves[wave.wave];
    if (was?.verdict !== wave.verdict && wave.verdict !== 'notStarted')
      lines.push(`wave ${wave.wave + 1}: ${spaced(wave.verdict)}, ${wave.good} good of ${wave.needed} needed`);
    if (was?.waived == null && wave.waived !== null)
      lines.push(`wave ${wave.wave + 1}: waived by ${wave.waived.by}: ${wave.waived.reason}`);
  }
  for (const node of view.nodes) {
    const was = before?.nodes.find((it) => it.node === node.node && it.attempt === node.attempt);
    const says = lineOfNode(node);
    if (was === undefined ? node.step !== null : lineOfNode(was) !== says) lines.push(says);
  }
  const known = new Set(before === null ? [] : waitsOf(before).map(keyOfWait));
  for (const wait of waitsOf(view)) {
    if (known.has(keyOfWait(wait))) continue;
    lines.push(
      `${wait.who} waits for ${spaced(wait.code)}: ${wait.what} (since ${wait.since}, cleared by ${clearerOf(wait)})`,
    );
  }
  return lines;
}

// Without its words, which count, and its time, which starts again with each step: a wait that goes on is said once, and again when
// it comes to somebody else to clear it.
const keyOfWait = ({ who, code, clearedBy }: PlacedWait): string => `${who} ${code} ${clearedBy}`;

function lineOfNode(node: RolloutNodeView): string {
  const { outcome, reason, failure, soak } = node;
  const parts = [
    node.step === null ? 'not reached' : spaced(node.step),
    // A step or a gate that says the same is not said again.
    node.standing === node.step ? '' : node.standing,
    gateOf(node) === '-' ? '' : `gate ${gateOf(node)}`,
    soak === null ? '' : `soak ${spaced(soak)}`,
    outcome === null || outcome === node.step ? '' : spaced(outcome),
    reason === null || (reason === 'gateFailed' && node.gate?.verdict === 'fail')
      ? ''
      : [reason, failure?.code ?? null]
          .filter((it) => it !== null)
          .map(spaced)
          .join(': '),
  ].filter(Boolean);
  return `${node.node}${marksOf(node)}: ${parts.join(', ')}`;
}

export const rolloutRow = (
  {
    id,
    service,
    release,
    status,
    wave,
    waves,
    startedAt,
    startedBy,
    endedAt,
    awaited,
    waits,
  }: Omit<RolloutView, 'nodes'>,
  now: number,
  paint: Paint,
): string[] => [
  id,
  service,
  String(release.number),
  paint(STATUS[status], spaced(status)),
  `${wave + 1} of ${waves.length}`,
  agoOf(startedAt, now),
  startedBy,
  waits[0]?.what ?? (endedAt !== null && awaited > 0 ? awaitedText(awaited) : '-'),
];

const awaitedText = (awaited: number): string => `${awaited} late or owed ${awaited === 1 ? 'node' : 'nodes'}`;
