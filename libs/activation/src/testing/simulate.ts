import type { Name } from '@openward/contracts';
import type { Entry } from '../journal.ts';
import { keepOf } from '../keep.ts';
import { isSame } from '../model.ts';
import type { Offer } from '../offers.ts';
import { Unrecoverable } from '../ports.ts';
import { siteWayOf } from '../way-back.ts';
import { RESULTS } from './documents.ts';
import { SimulatedNode } from './simulated-node.ts';
import { type Nature, PERMIT_MS, StubNetwork } from './stub-network.ts';
import { between, VirtualWorld } from './world.ts';

// Nodes under a stub of a control plane, a bad network, people who halt, pin, defer and reject, and machines that die where
// it hurts. Invariants are checked at every act; chaos ends before the end, so that all must end well.

const CHAOS_UNTIL = 250_000;
const END = 400_000;
const NODES = ['n1', 'n2', 'n3'] as const;

/** Throws, with the seed and the moment, where a rule is broken; else returns what happened. */
export async function simulate(seed: number): Promise<readonly string[]> {
  const world = new VirtualWorld(seed);
  let broken: string | null = null;
  const breakRule = (rule: string): void => {
    broken ??= `seed ${seed} at ${Math.round(world.time)}: ${rule}`;
  };
  const network = new StubNetwork(world, NODES, (name, doc) => byName.get(name)!.reconciler?.desired(doc));
  const natureOf = (release: string): Nature => network.nature.get(release) ?? 'good';
  /** The newest question for each assignment. */
  const askedAt = new Map<string, { readonly nonce: string; readonly wall: number; readonly boot: number }>();
  const served = new Map<Name, Set<string>>(NODES.map((name) => [name, new Set()]));
  const agreed = new Set<string>();

  const nodes = NODES.map((name): SimulatedNode => {
    const activated = new Set<string>();
    const begun = new Set<string>();
    const node: SimulatedNode = new SimulatedNode(name, {
      world,
      askPermit: (_, question, reply) => {
        askedAt.set(question.assignment, { nonce: question.nonce, wall: node.wall(), boot: node.boots });
        // A machine that sleeps: its monotonic clock stands still, and its wall clock leaps.
        if (world.random() < 0.1) world.at(between(world, 0, 400), () => (node.asleepMs += 30_000));
        network.asked(name, question, reply);
      },
      tellState: (_, part) => {
        for (const { service, active, assignment } of part.services) {
          if (active !== null && !served.get(name)!.has(active)) {
            breakRule(`${name} reports ${service} on a release that it never served`);
          }
          if (
            assignment?.gate &&
            assignment.step === 'awaitingConsent' &&
            assignment.waitsFor === 'consentToActivate'
          ) {
            breakRule(`${name} tells of a gate before it may`);
          }
        }
        network.reported(name, part);
      },
      tellEvidence: (_, body) => {
        const isFail = body.bundled.verdict === 'fail';
        if (!agreed.has(body.assignment) && !isFail && !hasRules(name)) {
          breakRule(`${name} lets a result leave that nobody let go`);
        }
      },
      judgingGate: ({ release }) => {
        if (world.random() < 0.05) throw new Error('the runtime was away');
        if (natureOf(release.digest) === 'badGate') return RESULTS.fail;
        if (natureOf(release.digest) === 'inconclusive') return RESULTS.inconclusive;
        return !network.isCalm && world.random() < 0.03 ? RESULTS.error : RESULTS.pass;
      },
      fetching: (_, waiting) => {
        if (network.isCalm || world.random() > 0.1) return;
        waiting('network');
        throw new Error('the link is down');
      },
      loading: (held) => {
        if (natureOf(held.release) === 'notLoadable') throw new Unrecoverable('modelNotLoadable', 'it is cut short');
        if (!network.isCalm && world.random() < 0.03) throw new Error('the runtime is away');
      },
      probing: (_, held) => {
        if (natureOf(held.release) === 'badProbe') return 'failed';
        if (natureOf(held.release) === 'crashing') world.at(between(world, 1, 2000), () => node.runtime.exit());
        return 'ok';
      },
      judging: (_, { release }) => (natureOf(release) === 'badSoak' ? 'over' : 'ok'),
      unloading: (key) => {
        const user = [...node.gateway.served.values()].find((held) => held.key === key);
        if (user !== undefined) breakRule(`${name} unloads what release ${user.number} still serves`);
      },
      switching: (service, held) => {
        const record = node.known().services[service];
        served.get(name)!.add(held.release);
        world.note(`${name} ${service} serves ${held.number} (${natureOf(held.release)})`);
        if (!isSame(record?.active, held)) breakRule(`${name} serves what its journal does not say`);
        if (record?.halted === true) breakRule(`${name} serves a halted service`);
        if (node.known().recalled.includes(held.release)) breakRule(`${name} serves a recalled release`);
      },
      near: (_, entry) => {
        if (entry !== null) checkEntry(entry);
        if (!network.isCalm && world.random() < 0.004) world.at(between(world, 0, 30), () => die(node));
      },
    });

    function checkEntry(entry: Entry): void {
      if (entry.kind === 'begun') {
        if (begun.has(entry.assignment.id)) breakRule(`${name} begins ${entry.assignment.id} again`);
        if (node.known().services[entry.service]?.past.includes(entry.assignment.id)) breakRule(`${name} tries again`);
      }
      if (entry.kind !== 'activated') return;
      const record = node.known().services[entry.service];
      if (!record?.attempt) return breakRule(`${name} activates what its journal does not know`);
      const { attempt, pinned, halted } = record;
      const { id } = attempt.assignment;
      const asked = askedAt.get(id);
      const leave =
        asked !== undefined &&
        network.granted.has(asked.nonce) &&
        asked.boot === node.boots &&
        node.wall() - asked.wall <= PERMIT_MS;
      if (!leave) breakRule(`${name} activates ${id} under no living permit`);
      if (activated.has(id)) breakRule(`${name} activates ${id} twice`);
      if (pinned || halted) breakRule(`${name} activates under a brake`);
      if (attempt.progress.at !== 'evaluated') breakRule(`${name} activates ${id} from ${attempt.progress.at}`);
    }
    return node;
  });
  const byName = new Map(nodes.map((node) => [node.name, node]));

  function die(node: SimulatedNode): void {
    if (!node.isUp || network.isCalm) return;
    node.crash();
    world.at(between(world, 10, 5000), () => node.boot());
  }

  for (const node of nodes) {
    node.boot();
    if (hasRules(node.name)) {
      void node.reconciler!.command({ kind: 'setRules', rules: { prepare: [{}], activate: [{}] } });
    }
  }
  repeat(world, 1000, 2000, END, () => network.tick());
  repeat(world, 500, 4000, END, () => {
    const visited = network.isCalm ? nodes : [nodes[between(world, 0, 3)]!];
    for (const node of visited) {
      visit(node, world, network, agreed).catch((error: Error) => breakRule(error.message));
    }
  });
  repeat(world, 5000, 15_000, END, () => {
    for (const { isUp, reconciler, name } of nodes) if (isUp) network.reported(name, reconciler!.report());
  });
  repeat(world, 5000, 40_000, CHAOS_UNTIL, () => die(nodes[between(world, 0, 3)]!));
  repeat(world, 20_000, 60_000, CHAOS_UNTIL, () => nodes[between(world, 0, 3)]!.runtime.exit());
  repeat(world, 20_000, 80_000, CHAOS_UNTIL, () => {
    const name = NODES[between(world, 0, 3)]!;
    network.cut.add(name);
    world.at(between(world, 1000, 60_000), () => network.cut.delete(name));
  });
  world.at(CHAOS_UNTIL, () => {
    network.isCalm = true;
    network.cut.clear();
    world.note('calm');
  });

  const checked = new Map<Name, string>();
  const told = new Map<Name, string>();
  const recalledSince = new Map<string, number>();
  await world.run(END, () => {
    for (const node of nodes) checkRecalled(node, world, recalledSince, breakRule);
    for (const node of nodes) checkDisk(node, checked, breakRule);
    for (const node of nodes) checkNews(node, told, breakRule);
    if (broken !== null) throw new Error(broken);
  });
  for (const node of nodes) {
    for (const service of network.services) {
      const { assignment, status } = network.plan(node.name, service)!;
      const record = node.known().services[service];
      const isThere =
        record?.lastGood?.release === assignment.release.digest &&
        node.gateway.served.get(service)?.release === assignment.release.digest &&
        status?.step === 'committed';
      if (!isThere) {
        const at = `${status?.step} ${status?.reason ?? ''} ${status?.waitsFor ?? ''}`;
        const cause = node.reconciler?.state();
        throw new Error(`seed ${seed}: ${node.name} ${service} ends at ${assignment.id}: ${at}`, { cause });
      }
    }
  }
  return world.log;
}

/** Only the first site has standing rules; at the others every question waits for a person. */
const hasRules = (name: Name): boolean => name === 'n1';

function repeat(world: VirtualWorld, least: number, most: number, until: number, run: () => void): void {
  const again = (): void => {
    if (world.time > until) return;
    run();
    world.at(between(world, least, most), again);
  };
  world.at(between(world, least, most), again);
}

/** Whatever the node may have to go back to is on its disk. */
function checkDisk(node: SimulatedNode, checked: Map<Name, string>, breakRule: (rule: string) => void): void {
  const known = node.known();
  const mark = `${node.journal.entries.length} ${node.disk.changes} ${node.boots}`;
  if (checked.get(node.name) === mark) return;
  checked.set(node.name, mark);
  const { keys } = keepOf(known);
  for (const record of Object.values(known.services)) {
    const progress = record.attempt?.progress;
    const needed = [
      record.active,
      record.lastGood,
      record.anchor,
      progress?.at === 'activated' ? progress.target : null,
    ];
    for (const held of needed) {
      if (held === null) continue;
      const isThere = [held.artifact, held.document].every(({ file }) => node.disk.files.has(file));
      if (!isThere) breakRule(`${node.name} has dropped ${held.number}`);
      if (!keys.includes(held.key)) breakRule(`${node.name} would drop ${held.number}`);
    }
  }
}

/** Whoever rests from a refusal of a permit asks as soon as the network tells of the assignment anew. */
function checkNews(node: SimulatedNode, told: Map<Name, string>, breakRule: (rule: string) => void): void {
  const state = node.isUp ? node.reconciler?.state() : undefined;
  if (state === undefined) return;
  const { generation, desired, services } = state.durable;
  const mark = JSON.stringify([node.boots, generation]);
  if (told.get(node.name) === mark) return;
  told.set(node.name, mark);
  for (const { service, assignment } of desired?.services ?? []) {
    const attempt = services[service]?.attempt;
    const isAsked = attempt?.progress.at === 'evaluated' && attempt.assignment.id === assignment?.id;
    if (isAsked && state.work[service]?.job.doing === 'resting')
      breakRule(`${node.name} ${service} rests on after news`);
  }
}

/** Not serving within five seconds of when the node knows. */
function checkRecalled(
  node: SimulatedNode,
  world: VirtualWorld,
  since: Map<string, number>,
  breakRule: (rule: string) => void,
): void {
  const { recalled } = node.known();
  for (const [service, { release }] of node.gateway.served) {
    const what = `${node.name} ${service} ${release}`;
    if (!recalled.includes(release)) continue;
    const first = since.get(what) ?? world.time;
    since.set(what, first);
    if (world.time - first > 5000) breakRule(`${node.name} serves on what was recalled`);
  }
}

/** A person comes by: answers what waits, and now and then uses a brake. In the end every brake is let go. */
async function visit(
  node: SimulatedNode,
  world: VirtualWorld,
  network: StubNetwork,
  agreed: Set<string>,
): Promise<void> {
  const { reconciler } = node;
  if (!node.isUp || reconciler === null) return;
  if (network.isCalm) {
    for (const service of network.services) await letGo(node, world, network, agreed, service);
    return;
  }
  const service = network.services[between(world, 0, network.services.length)]!;
  const offer = reconciler.offers().find((it) => it.service === service);
  if (world.random() < 0.15) {
    const kinds = ['halt', 'resume', 'pin', 'unpin', 'rollback', 'resume', 'unpin'] as const;
    const kind = kinds[between(world, 0, kinds.length)]!;
    const way = kind === 'rollback' ? siteWayOf(node.known(), service) : null;
    const answer = await reconciler.command({ kind, service, ...(way === null ? {} : { to: way.to.number }) });
    if (kind === 'halt' && answer.done && node.isUp) {
      world.note(`${node.name} ${service} halted`);
      if (node.gateway.served.has(service)) throw new Error(`${node.name} serves on after a halt`);
    }
    return;
  }
  if (offer !== undefined) await answerOffer(node, world, network, agreed, offer);
}

async function letGo(
  node: SimulatedNode,
  world: VirtualWorld,
  network: StubNetwork,
  agreed: Set<string>,
  service: Name,
): Promise<void> {
  const { reconciler } = node;
  await reconciler?.command({ kind: 'unpin', service });
  await reconciler?.command({ kind: 'resume', service });
  const offer = reconciler?.offers().find((it) => it.service === service);
  if (offer !== undefined) await answerOffer(node, world, network, agreed, offer);
}

async function answerOffer(
  node: SimulatedNode,
  world: VirtualWorld,
  network: StubNetwork,
  agreed: Set<string>,
  { service, question, waitsFor, suite, assignment }: Offer,
): Promise<void> {
  const reconciler = node.reconciler!;
  if (suite.readsSiteData && !suite.accepted) {
    await reconciler.command({ kind: 'acceptSuite', suite: suite.digest, tooFewItems: false });
  }
  if (!network.isCalm && world.random() < 0.05) {
    await reconciler.command({ kind: 'reject', service, assignment, reason: 'not now' });
  } else if (!network.isCalm && world.random() < 0.1) {
    const until = node.wall() + between(world, 1000, 60_000);
    await reconciler.command({ kind: 'defer', service, assignment, until });
  } else if (question === 'waive' && world.random() < 0.5) {
    agreed.add(assignment);
    await reconciler.command({ kind: 'acceptInconclusive', service, assignment, reason: 'few cases here' });
  } else if (question !== null && question !== 'acceptSuite' && waitsFor !== 'deferred') {
    if (question !== 'prepare') agreed.add(assignment);
    const holdResult = question === 'prepare' && world.random() < 0.2;
    await reconciler.command({ kind: 'accept', service, assignment, question, holdResult });
  }
}

if (import.meta.main) {
  const [count = 200, first = 1] = process.argv.slice(2).map(Number);
  let notes = 0;
  for (let seed = first; seed < first + count; seed++) notes += (await simulate(seed)).length;
  console.log(`${count} seeds, ${notes} notes`);
}
