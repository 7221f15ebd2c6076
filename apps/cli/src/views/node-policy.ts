import type { NodeOfferRead, NodePolicyHit, NodePolicySettings, NodeShadow, PoliciesChanged } from '@openward/client';
import { facts, table } from '../table.ts';
import type { Paint } from '../terminal.ts';
import { clinicalLines } from './clinical.ts';
import { findingsOf, offersText, refusalsText } from './node.ts';
import { diffText, fieldLines } from './policy.ts';

/** Everything that a person reads before they consent. The policy's own lines hide nothing already. */
export function offerReadText(read: NodeOfferRead, paint: Paint, visible: (text: string) => string): string {
  const { offer, release, policy, clinical, serving } = read;
  const { service, model, parameters, suite } = release;
  return [
    offersText([offer], paint),
    refusedNowText(read, paint),
    facts([
      ['for', visible(service.purpose)],
      ['users', visible(service.users)],
      ['risk class', service.riskClass],
      ['fallback text', visible(service.fallbackText)],
      ...(service.variables ?? []).map(({ name, default: value, setBySite }): [string, string] => [
        `  {{${visible(name)}}}`,
        `${visible(value)}${setBySite ? ', or your own: `openward node policy set`' : ''}`,
      ]),
      ['model', `${model.name} ${model.version}, context of ${model.contextLength} tokens`],
      ['parameters', parametersText(parameters)],
      ['evaluation suite', `${suite.name} ${suite.version}`],
    ]),
    `\n${policy}\n`,
    ...(clinical === null ? [] : clinicalLines(clinical, visible).map((line) => `${line}\n`)),
    clinical === null ? '' : '\n',
    serving === null ? 'Nothing serves now that it could be compared with.\n' : changesText(serving, paint, visible),
  ].join('');
}

const parametersText = ({ temperature, topP, seed, maxTokens }: NodeOfferRead['release']['parameters']): string =>
  [
    `temperature ${temperature}`,
    ...(topP === undefined ? [] : [`top-p ${topP}`]),
    ...(seed === undefined ? [] : [`seed ${seed}`]),
    `at most ${maxTokens} tokens`,
  ].join(', ');

/** The release first: its policy can be the same while the model, the parameters or the fallback text are others. */
function changesText(
  { number, diff, fields }: NonNullable<NodeOfferRead['serving']>,
  paint: Paint,
  visible: (text: string) => string,
): string {
  const beside =
    fields === null
      ? ['This agent does not say what differs beside the policy.']
      : fields.length === 0
        ? ['Nothing differs beside the policy.']
        : ['Beside the policy:', ...fieldLines(fields, paint, visible)];
  return [
    `${paint('bold', `What changes against release ${number}, which serves now`)}\n`,
    ...beside.map((line) => `${line}\n`),
    `\nThe policy, ${diffText(diff, paint, visible)}`,
  ].join('');
}

/** Ahead of everything else: a yes to it would fetch what is refused then. */
const refusedNowText = ({ refused }: NodeOfferRead, paint: Paint): string =>
  refused === null
    ? ''
    : `\n${paint('bad', 'This node would refuse its policy')}, and nothing would change. A yes fetches it for nothing:\n` +
      findingsOf(refused.findings) +
      '\n';

const EXPIRY = { none: 'never', valid: 'valid', soon: 'soon', expired: 'expired' } as const;

export function settingsText(
  { recordNumber, onExpiry, variables, ownValues, policies, unread, refusals }: NodePolicySettings,
  visible: (text: string) => string,
): string {
  const rows = policies.map(({ service, number, serves, policy, expires, expiry }) => [
    service,
    String(number),
    serves ? 'serves' : 'held',
    `${policy.id}@${policy.revision}`,
    expires === null ? EXPIRY.none : `${expires.slice(0, 10)} (${EXPIRY[expiry.state]})`,
  ]);
  const own = policies.flatMap(({ service, number, variables: all }) =>
    all
      .filter(({ setBySite }) => setBySite)
      .map(({ name, value, description }) => [
        service,
        String(number),
        name,
        visible(value),
        Object.hasOwn(variables, name) && value === variables[name] ? 'site' : 'default',
        visible(description),
      ]),
  );
  return [
    facts([
      ['record numbers', recordNumber ?? 'no pattern: none is looked for'],
      ['on expiry', onExpiry === 'goOn' ? 'go on' : 'fallback'],
    ]),
    rows.length === 0
      ? '\nNo policy is here yet.\n'
      : `\n${table(['service', 'release', '', 'policy', 'expires'], rows)}`,
    own.length === 0 ? '' : `\n${table(['service', 'release', 'variable', 'value', 'from', 'what'], own)}`,
    ...ownValues.flatMap((one) => ownValueLines(one, visible)).map((line) => `\n${line}\n`),
    ...unread.map(({ service, number }) => `\n${service} release ${number} cannot be read from this disk.\n`),
    refusalsText(refusals),
  ].join('');
}

/** What the table of policies does not show: a value that nothing here uses yet, cannot be told, or is not told everywhere. */
function ownValueLines(
  { name, value, isUsable, usedBy, offeredTo, notToldBy }: NodePolicySettings['ownValues'][number],
  visible: (text: string) => string,
): string[] {
  if (!isUsable)
    return [
      `${name}: what is stored is empty, or breaks its line, and each policy’s default holds. Next: openward node policy set ${name} VALUE, or --default.`,
    ];
  const waiting = offeredTo.map(({ service, number }) => `${service} release ${number}`).join(', ');
  return [
    ...(usedBy.length > 0
      ? []
      : [
          `${name}: “${visible(value)}” is stored, and no policy here uses it yet${waiting === '' ? '' : `; ${waiting}, which waits, would`}.`,
        ]),
    ...notToldLines(name, notToldBy, visible),
  ];
}

/** Of services that tell a text of the network where a person may expect what the site has set. */
export const notToldLines = (
  name: string,
  services: PoliciesChanged['notToldBy'],
  visible: (text: string) => string,
): string[] =>
  services.map(
    ({ service, fallbackText }) =>
      `Warning: ${service} does not tell ${name} in its fallback text. Halted, recalled or expired it still tells the text of the network: “${visible(fallbackText)}”`,
  );

export const refusedOfferLines = (
  refused: PoliciesChanged['refusedOffers'],
  visible: (text: string) => string,
): string[] =>
  refused.map(
    ({ service, number, findings }) =>
      `Warning: ${service} release ${number}, which waits here, would be refused with that: ${findings.map(({ where, message }) => visible(`${where}: ${message}`)).join(' ')}`,
  );

/** A warning to whoever gave a form of record numbers, while they still sit there. */
export function alsoTakesLines(alsoTakes: PoliciesChanged['alsoTakes']): string[] {
  if (alsoTakes === null || alsoTakes.sentences === 0) return [];
  const { sentences, of, examples } = alsoTakes;
  return [
    `Warning: it also takes what is no record number, in ${sentences} of ${of} ordinary sentences:`,
    ...examples.map(({ sentence, found }) => `  “${found}” in “${sentence}”`),
    'A policy that looks for record numbers would hide or note that too. Say what stands before a number, as in MRN-[0-9]{7}.',
  ];
}

const ENDED = {
  until: 'ended at its date',
  stopped: 'stopped',
  activated: 'ended: its release serves',
  attemptEnded: 'ended: its release waits no more',
} as const;
const at = (ms: number): string => new Date(ms).toISOString();

export const shadowsText = (shadows: readonly NodeShadow[]): string =>
  shadows.length === 0
    ? 'Nothing runs in shadow, and nothing ever has.\n'
    : table(
        ['service', 'release', 'policy', 'state', 'until', 'by', 'since'],
        shadows.map(({ service, number, policy, ended, until, by, startedAt }) => [
          service,
          String(number),
          `${policy.id}@${policy.revision}`,
          ended === null ? 'runs' : ENDED[ended.why],
          at(ended?.at ?? until),
          by,
          at(startedAt),
        ]),
      );

const MODE = { enforce: 'enforced', shadow: 'in shadow', next: 'next, in shadow' } as const;

export const hitsText = (hits: readonly NodePolicyHit[]): string =>
  hits.length === 0
    ? 'Nothing was counted yet.\n'
    : table(
        ['day', 'policy', '', 'rule', 'stage', 'action', 'count'],
        hits.map(({ day, policy, revision, mode, rule, stage, action, count }) => [
          day,
          `${policy}@${revision}`,
          MODE[mode],
          rule ?? '(all)',
          stage,
          action,
          String(count),
        ]),
      );
