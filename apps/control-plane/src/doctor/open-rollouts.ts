import type { Name, RolloutView, Wait } from '@openward/contracts';
import { inWords } from '@openward/rollout';
import { failedNodes, failureOf, nextOf } from './failures.ts';
import { finding, findingOfNode, WHO, type Found, type Level } from './finding.ts';

export const nameOf = ({ id, service, release, status }: RolloutView): string =>
  `rollout ${id} (${service} ${release.number}, ${inWords(status)})`;

/** Waits that only time ends are no warning; a release that is being taken back, or still is to be, is one. */
const levelOf = ({ clearedBy, code }: Wait): Level =>
  clearedBy === 'site' || clearedBy === 'networkAdmin' || code === 'owed' ? 'warning' : 'ok';

/** What a rollout and each of its nodes wait for, and which of them have failed. `cutOff`: nodes that are said to be so already. */
export function ofOpenRollout(rollout: RolloutView, cutOff: ReadonlySet<Name>): Found[] {
  const name = nameOf(rollout);
  const whole = rollout.waits.map((wait) =>
    finding(levelOf(wait), name, wait.what, `${WHO[wait.clearedBy]}.`, wait.since),
  );
  const waiting = rollout.nodes.flatMap(({ node, site, waits }) =>
    waits.map((wait) => {
      const isSaid = wait.code === 'unreached' && cutOff.has(node);
      const why = isSaid ? `${name} waits for it` : `${name}: ${wait.what}`;
      return findingOfNode({ name: node, site }, levelOf(wait), why, `${WHO[wait.clearedBy]}.`, wait.since);
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
