import type { Name, ReasonCode, RolloutNodeView, RolloutView } from '@openward/contracts';
import { TERM_VERDICTS_IN_30_DAYS } from '@openward/policy';
import { inWords } from '@openward/rollout';

// What failed at a node in a rollout, in words, and what a person does about it.

export const failedNodes = ({ nodes }: RolloutView): RolloutNodeView[] =>
  nodes.filter(({ standing }) => standing === 'failed');

/** `it failed: gate failed (margin exceeded), no change`. */
export function failureOf({ reason, failure, outcome, gate, soak }: RolloutNodeView): string {
  const isGate = gate !== null && (gate.verdict === 'fail' || gate.verdict === 'error');
  const what = reason ?? (isGate ? 'gateFailed' : soak === 'over' ? 'soakErrorsOver' : null);
  const detail = failure?.code ?? (isGate ? gate.reason : null);
  const why = detail === null ? '' : ` (${inWords(detail)})`;
  const said = what === null ? 'it failed' : `it failed: ${inWords(what)}${why}`;
  return outcome === null ? said : `${said}, ${OUTCOME[outcome]}`;
}

const OUTCOME: Readonly<Record<NonNullable<RolloutNodeView['outcome']>, string>> = {
  noChange: 'and nothing changed there',
  rolledBack: 'and it went back to what it had',
  unableToRollBack: 'and it could not go back',
};

const RELEASE = 'Mend the release, make another and plan it.';
const SITE = 'Hospital IT runs `openward node doctor` there and mends it; then';
const LOG = "The node's log says more, under the reference that `openward node status` shows there; mend it, then";
const ASKED = 'It was asked for;';

/** What stands in the way, as a sentence's beginning: `again` ends it. Whole sentences end with a full stop. */
const NEXT: Readonly<Record<ReasonCode, string>> = {
  gateFailed: `The release did worse there than its gate allows: \`openward rollouts show ID --evidence\` has the counts. ${RELEASE}`,
  gateError: `The evaluation could not be run. ${LOG}`,
  probeFailed: LOG,
  probeTimedOut: LOG,
  runtimeExited: LOG,
  soakErrorsOver: `Too many requests of its clinics failed under it: \`openward node policy hits\` there says whether the policy refused them. ${RELEASE}`,
  soakRestartsOver: LOG,
  rejectedBySite: 'Ask the site why;',
  pinnedBySite: 'The site lifts its pin (`openward node unpin`); then',
  haltedBySite: 'The site lifts its halt (`openward node resume`); then',
  withdrawn: ASKED,
  rolledBackByNetwork: ASKED,
  rolledBackBySite: 'Ask the site why;',
  recalled: 'A recalled release is never rolled out: make another and plan it.',
  supersededByNewer: ASKED,
  chunkMissing: 'Push the same file again, then',
  digestMismatch: `${LOG}`,
  modelNotLoadable: LOG,
  switchFailed: LOG,
  modelNotGguf: 'Push a GGUF under another version. Make a release of it and plan it.',
  diskFull: SITE,
  memoryTooSmall: SITE,
  variantNoLongerFits: SITE,
  needsSwap: SITE,
  agentTooOld: 'The site upgrades the agent; then',
  documentInvalid: RELEASE,
  changeMismatch: 'It changes more there than the plan said;',
  suiteInvalid: 'Mend the suite and push it under another version. Make a release of it and plan it.',
  policyInvalid:
    "Ask the site for the reason (`openward node policy terms`): where it is the policy, push its next revision, make a release and plan it; where it is the site's own words, mend them, then",
  policyTestFailed: `The policy's own test fails there: the site's terms may be too wide (\`openward node policy terms\`). Mend one of the two, then`,
  policyWithheld: `That site has told ${TERM_VERDICTS_IN_30_DAYS} verdicts on policies in 30 days that its own words decide, and tells no more for now: wait, then`,
  setInTraining: 'The model was trained on data of that site, and nothing there can measure it: plan without it.',
  targetMissing: SITE,
  internal: LOG,
};

/** What to do next. A rollout that goes on, or has completed, gives the node another attempt; any other is planned again. */
export function nextOf(rollout: RolloutView, { node, reason, failure, gate }: RolloutNodeView): string {
  if (failure !== null) return `${capital(failure.what)}. Then ${again(rollout, node)}.`;
  const next = NEXT[reason ?? (gate?.verdict === 'error' ? 'gateError' : 'gateFailed')].replace('ID', rollout.id);
  if (next.endsWith('.')) return next;
  return `${next} ${again(rollout, node)}.`;
}

const again = ({ id, status }: RolloutView, node: Name): string =>
  status === 'running' || status === 'completed'
    ? `\`openward rollouts retry ${id} ${node}\``
    : 'plan it again (`openward rollouts plan`)';

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
