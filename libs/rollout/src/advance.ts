import { addPause, liftPauses, note, setNode, tell, type Draft } from './draft.ts';
import type { EngineSettings, NodeInput } from './events.ts';
import { inWords } from './in-words.ts';
import { complete, settleLate } from './late.ts';
import { hasFailedEvidence, observe } from './nodes.ts';
import { beginRollBack, stepRollBack } from './roll-back.ts';
import type { NodeState, RolloutState, Waiver } from './state.ts';
import { failuresOf, isToleranceExceeded, judgeWave, nodesOf, nodesOfWave, standingIn } from './wave-gate.ts';

/** Takes in what nodes said; a failure is put on the record when it is first seen. */
export function takeIn(draft: Draft, inputs: readonly NodeInput[]): void {
  for (const input of inputs) {
    const before = draft.state.nodes[input.node];
    if (before === undefined) continue;
    const after = observe(draft.state, before, input);
    setNode(draft, after);
    if (after === before || standingIn(draft.state, after) !== 'failed') continue;
    if (standingIn(draft.state, before) === 'failed') continue;
    note(draft, 'engine', 'nodeFailed', { node: after.node, wave: after.wave, reason: after.said?.reason ?? null });
  }
}

/** As far as what is known carries it. Deciding again on the same facts changes nothing, so a tick may come at any time. */
export function advance(draft: Draft, settings: EngineSettings): void {
  switch (draft.state.life.kind) {
    case 'running':
      return advanceRunning(draft, settings);
    case 'rollingBack':
      return stepRollBack(draft, settings);
    case 'completed':
      return settleLate(draft);
    case 'aborted':
    case 'rolledBack':
      return;
  }
}

function advanceRunning(draft: Draft, settings: EngineSettings): void {
  commitStragglers(draft);
  while (draft.state.life.kind === 'running') {
    const wave = draft.state.waves[draft.state.wave];
    if (wave?.kind === 'passed') {
      // A node that was still soaking when its wave passed may fail before the next one begins.
      if (isToleranceExceeded(draft.state)) return failWave(draft, settings);
      // Nothing new begins, and the rollout does not end, while anyone's pause stands.
      if (draft.state.pauses.length > 0) return;
      if (draft.state.wave + 1 === draft.state.waves.length) complete(draft);
      else openWave(draft, draft.state.wave + 1);
      continue;
    }
    if (wave?.kind !== 'open') return;
    switch (judgeWave(draft.state, wave.deadline, draft.now)) {
      case 'fail':
        return failWave(draft, settings);
      case 'inconclusive':
        if (addPause(draft, 'waveInconclusive', null, null)) {
          note(draft, 'engine', 'waveInconclusive', { wave: draft.state.wave });
        }
        return;
      case 'open':
        return;
      case 'pass':
        // A gate's own pause is cleared by what it waited for; a person's is not.
        if (draft.state.pauses.some((pause) => pause.code !== 'waveInconclusive')) return;
        passWave(draft, null);
    }
  }
}

/** R3: assignments are offered when the wave starts; with prefetch they were offered before, to be staged. */
export function openWave(draft: Draft, wave: number): void {
  const { waveDeadlineMs, canaryDeadlineMs = waveDeadlineMs } = draft.state.plan.settings;
  const deadline = draft.now + (wave === 0 ? canaryDeadlineMs : waveDeadlineMs);
  const waves = draft.state.waves.with(wave, { kind: 'open', since: draft.now, deadline });
  draft.state = { ...draft.state, wave, waves };
  note(draft, 'engine', 'waveStarted', { wave });
  for (const node of nodesOfWave(draft.state, wave)) tell(draft, node.node, 'proceed');
}

export function passWave(draft: Draft, waiver: Waiver | null): void {
  const at = draft.state.wave;
  const wave = draft.state.waves[at];
  if (wave?.kind !== 'open') throw new Error(`${draft.state.id}: wave ${at} passes but is not open`);
  const { since, deadline } = wave;
  draft.state = { ...draft.state, waves: draft.state.waves.with(at, { kind: 'passed', since, deadline, waiver }) };
  liftPauses(draft, ['waveInconclusive']);
  if (waiver === null) note(draft, 'engine', 'wavePassed', { wave: at });
  else note(draft, waiver.by, 'waveWaived', { wave: at, detail: waiver.reason });
  for (const node of nodesOfWave(draft.state, at)) {
    if (standingIn(draft.state, node) === 'good') tell(draft, node.node, 'commit');
  }
}

/** A node that was still soaking when its wave passed is committed when it is good. */
function commitStragglers(draft: Draft): void {
  if (draft.state.pauses.length > 0) return;
  for (const node of nodesOf(draft.state)) {
    if (draft.state.waves[node.wave]?.kind !== 'passed' || node.phase !== 'proceed') continue;
    if (standingIn(draft.state, node) === 'good') tell(draft, node.node, 'commit');
  }
}

function failWave(draft: Draft, settings: EngineSettings): void {
  const at = draft.state.wave;
  const wave = draft.state.waves[at];
  if (draft.state.pauses.some((pause) => pause.code === 'toleratedExceeded')) return;
  if (wave?.kind === 'open') {
    const { since, deadline } = wave;
    draft.state = { ...draft.state, waves: draft.state.waves.with(at, { kind: 'failed', since, deadline }) };
  }
  const { onFail, tolerated } = draft.state.plan.settings;
  const why = `${failuresOf(draft.state)} failed, ${tolerated} tolerated${whoFailed(draft)}`;
  note(draft, 'engine', 'waveFailed', { wave: at, detail: why });
  switch (onFail) {
    case 'pause':
      addPause(draft, 'toleratedExceeded', null, why);
      return;
    case 'rollBackWave':
      return beginRollBack(draft, 'engine', why, firstFailedWave(draft), settings);
    case 'rollBackAll':
      return beginRollBack(draft, 'engine', why, 0, settings);
  }
}

const MOST_NAMED = 5;

/** Those that count, each with its reason: what a person asks next. */
function whoFailed({ state }: Draft): string {
  const failed = nodesOf(state).filter((node) => node.wave <= state.wave && countsAsFailed(state, node));
  const named = failed.slice(0, MOST_NAMED).map((node) => `${node.node}${reasonOf(node)}`);
  const more = failed.length > MOST_NAMED ? ` and ${failed.length - MOST_NAMED} more` : '';
  return named.length === 0 ? '' : `: ${named.join(', ')}${more}`;
}

const countsAsFailed = (state: RolloutState, node: NodeState): boolean =>
  node.pastFailures > 0 || (!node.late && standingIn(state, node) === 'failed');

function reasonOf({ said, judged }: NodeState): string {
  const reason = said?.reason ?? (hasFailedEvidence(judged) ? 'gateFailed' : said?.soak === 'over' ? 'soakOver' : null);
  const failure = said?.failure == null ? '' : `: ${inWords(said.failure)}`;
  return reason === null ? '' : ` (${inWords(reason)}${failure})`;
}

/** A node of an earlier wave may be the one that failed; then its wave goes back too. */
const firstFailedWave = (draft: Draft): number =>
  Math.min(
    draft.state.wave,
    ...nodesOf(draft.state)
      .filter((node) => !node.late && standingIn(draft.state, node) === 'failed')
      .map((node) => node.wave),
  );
