import type { Plan } from '@openward/contracts';
import { facts, table } from '../table.ts';
import type { Paint } from '../terminal.ts';
import { lengthOf, shortDigest, sizeOf, spaced } from '../words.ts';

/** The dry run: who gets what, in which wave, why, how much and how long; what is left out; and the hash that approves it. */
export function planText(plan: Plan, paint: Paint): string {
  return [
    paint('bold', `Plan of ${plan.service} release ${plan.release.number}`) + '\n',
    ...plan.waves.map((wave, index) => waveText(wave.nodes, index, paint)),
    blockedText(plan, paint),
    liveText(plan, paint),
    warningText(plan, paint),
    settingsText(plan),
    `\nhash  ${paint('bold', plan.hash)}\n`,
  ].join('');
}

type Node = Plan['waves'][number]['nodes'][number];

function waveText(nodes: readonly Node[], index: number, paint: Paint): string {
  const bytes = nodes.reduce((sum, { shown }) => sum + shown.bytes, 0);
  const rows = nodes.map(({ node, site, from, change, variant, memoryMode, shown }) => [
    node,
    site,
    shown.tier,
    from === null ? 'nothing' : shortDigest(from),
    spaced(change),
    variant,
    sizeOf(shown.bytes),
    shown.seconds === null ? 'link not stated' : lengthOf(shown.seconds),
    spaced(memoryMode),
    shown.warnings.length === 0 ? '-' : paint('warn', shown.warnings.map(spaced).join(', ')),
    shown.why,
  ]);
  const head = [
    'node',
    'site',
    'tier',
    'from',
    'change there',
    'variant',
    'bytes',
    'takes',
    'memory',
    'warnings',
    'why this variant',
  ];
  const count = nodes.length === 1 ? '1 node' : `${nodes.length} nodes`;
  return `\nWave ${index + 1}: ${count}, ${sizeOf(bytes)}\n${table(head, rows)}`;
}

function blockedText({ blocked }: Plan, paint: Paint): string {
  if (blocked.length === 0) return '';
  const rows = blocked.map(({ node, site, why, detail }) => [node, site, paint('bad', spaced(why)), detail]);
  return `\nBlocked, and not in the plan:\n${table(['node', 'site', 'why', 'detail'], rows)}`;
}

function liveText({ live }: Plan, paint: Paint): string {
  if (live.length === 0) return '';
  const rows = live.map(({ node, rollout }) => [node, paint('warn', rollout)]);
  const says = 'In another rollout now; a start is refused unless it says --supersede:';
  return `\n${says}\n${table(['node', 'rollout'], rows)}`;
}

function warningText({ warnings }: Plan, paint: Paint): string {
  if (warnings.length === 0) return '';
  return `\nWarnings:\n${warnings.map(({ code, detail }) => `  ${paint('warn', spaced(code))}: ${detail}\n`).join('')}`;
}

function settingsText({ settings, gates }: Plan): string {
  const { soak, windows } = settings;
  return `\n${facts([
    ['gates', gates.map(gateText).join('; ')],
    ['failures tolerated', String(settings.tolerated)],
    ['quorum', percent(settings.quorum)],
    ['wave deadline', lengthOf(settings.waveDeadlineMs / 1000)],
    ['soak', `${lengthOf(soak.soakMs / 1000)}, at most ${percent(soak.errorShare)} errors`],
    ['if a wave fails', spaced(settings.onFail)],
    ['permits at once', settings.maxConcurrent === undefined ? 'a tenth of the wave' : String(settings.maxConcurrent)],
    ['later waves fetch early', settings.prefetch ? 'yes' : 'no'],
    ['windows', windows.length === 0 ? 'always' : windows.map(windowText).join('; ')],
  ])}`;
}

function gateText(gate: Plan['gates'][number]): string {
  const margin = `margin ${percent(gate.margin)}`;
  return gate.kind === 'safety'
    ? `safety on ${gate.set} items, ${margin}, ceiling ${percent(gate.ceiling)}`
    : `non-inferiority on ${gate.set} items, ${margin}`;
}

const windowText = ({ days, from, to }: Plan['settings']['windows'][number]): string =>
  `${days.join(' ')} ${from} to ${to}`;

const percent = (share: number): string => `${Math.round(share * 10_000) / 100} %`;
