import type { Name, RolloutView, Wait } from '@openward/contracts';
import { inWords } from '@openward/rollout';
import { failedNodes, failureOf, nextOf } from './failures.ts';
import { finding, findingOfNode, whoClears, type Found, type Level } from './finding.ts';

export const nameOf = ({ id, service, release, status }: RolloutView): string =>
  `rollout ${id} (${service} ${release.number}, ${inWords(status)})`;

/** Waits that only time ends are no warning; a release that is being taken back, or still is to be, is one. */
const levelOf = ({ clearedBy, code }: Wait): Level =>
  clearedBy === 'site' || clearedBy === 'networkAdmin' || code === 'owed' ? 'warning' : 'ok';

const OF_A_WAVE: ReadonlySet<Wait['code']> = new Set(['quorum', 'waveInconclusive', 'toleratedExceeded']);

/** Who clears it and, of a wave that does not pass by itself, the commands that would be taken now. */
function nextOfWhole(rollout: RolloutView, wait: Wait): string {
  const { id, wave, waves, status } = rollout;
  const isLive = status === 'running' || status === 'paused';
  const isStuck = wait.clearedBy === 'networkAdmin' || wait.clearedBy === 'site';
  if (!isLive || !isStuck || !OF_A_WAVE.has(wait.code)) return `${whoClears(wait)}.`;
  const waive =
    waves[wave]?.verdict === 'inconclusive'
      ? [`\`openward rollouts waive ${id} --wave ${wave + 1} --reason TEXT\``]
      : [];
  const ways = [
    ...waive,
    `\`openward rollouts rollback ${id} --reason TEXT\``,
    `\`openward rollouts abort ${id}\``,
  ].join(', ');
  const who = wait.clearedBy === 'site' ? `${whoClears(wait)}; or a network admin ends it` : whoClears(wait);
  return `${who}: ${ways} would be taken now.`;
}

/** What a rollout and each of its nodes wait for, and which of them have failed. `cutOff`: nodes that are said to be so already. */
export function ofOpenRollout(rollout: RolloutView, cutOff: ReadonlySet<Name>): Found[] {
  const name = nameOf(rollout);
  const whole = rollout.waits.map((wait) =>
    finding(levelOf(wait), name, wait.what, nextOfWhole(rollout, wait), wait.since),
  );
  const waiting = rollout.nodes.flatMap(({ node, site, waits }) =>
    waits.map((wait) => {
      const isSaid = wait.code === 'unreached' && cutOff.has(node);
      const why = isSaid ? `${name} waits for it` : `${name}: ${wait.what}`;
      return findingOfNode({ name: node, site }, levelOf(wait), why, `${whoClears(wait)}.`, wait.since);
    }),
  );
  if (rollout.endedAt !== null) return [...whole, ...waiting];
  const failed = failedNodes(rollout).map((node) =>
    findingOfNode(
      { name: node.node, site: node.site },
      'warning',
      `${name}: ${failureOf(node)}`,
      nextOf(rollout, node),
    ),
  );
  return [...whole, ...waiting, ...failed];
}
