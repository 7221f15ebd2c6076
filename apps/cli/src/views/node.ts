import type {
  DataSetView,
  Disclosure,
  DisclosureSummary,
  FetchView,
  NodeKey,
  NodeOffer,
  NodePolicyRefusal,
  NodeRules,
  NodeStatus,
  NodeSuite,
} from '@openward/client';
import { bar } from '../progress.ts';
import { facts, table } from '../table.ts';
import type { Paint } from '../terminal.ts';
import { agoOf, orDash, shortDigest, sizeOf, spaced } from '../words.ts';
import { serviceStatesText } from './catalogue.ts';

const at = (ms: number): string => new Date(ms).toISOString();

export function statusText(status: NodeStatus, paint: Paint): string {
  const { site, node, connected, credentialsUntil, uptimeHours, gateway, serving, standing, report, fetches, pid } =
    status;
  const rows = serving.map(({ service, number, release, stopped, policyExpired }) => [
    service,
    stopped != null
      ? paint('bad', spaced(stopped))
      : policyExpired
        ? paint('bad', 'policy expired: fallback text')
        : paint('good', 'serving'),
    orDash(number),
    shortDigest(release),
    wayBackText(standing.find((one) => one.service === service)?.wayBack),
  ]);
  return [
    facts([
      ['node', `${node} of ${site}`],
      ['network', connected ? 'connected' : 'not connected; what is served goes on'],
      ['credentials until', credentialsUntil],
      ['gateway', orDash(gateway)],
      ['agent', `process ${pid}, up ${uptimeHours} h`],
    ]),
    rows.length === 0
      ? '\nNothing is served yet.\n'
      : `\n${table(['service', 'state', 'release', 'digest', 'rollback goes to'], rows)}`,
    ...standing.flatMap(({ service, findings }) =>
      findings.map(({ why, next }) => `\n${paint('warn', service)}: ${why}.${next === '' ? '' : ` Next: ${next}.`}\n`),
    ),
    report.services.length === 0 ? '' : `\n${serviceStatesText(report.services)}`,
    fetchesText(fetches),
    refusalsText(status.policyRefusals),
  ].join('');
}

const wayBackText = (way: NodeStatus['standing'][number]['wayBack'] | undefined): string =>
  way == null ? '-' : `release ${way.number}${way.isAnchor ? ', the anchor, if named' : ''}`;

/** Why the policy of an offered release was refused here: which rule, and which test. */
export const refusalsText = (refusals: readonly NodePolicyRefusal[]): string =>
  refusals
    .map(
      ({ service, number, findings }) =>
        `\nThe policy of ${service} release ${number} is refused here, and nothing has changed:\n` +
        findingsOf(findings),
    )
    .join('');

export const findingsOf = (findings: NodePolicyRefusal['findings']): string =>
  findings.map(({ code, where, message }) => `  ${spaced(code)}, ${where}: ${message}\n`).join('');

export function fetchesText(fetches: readonly FetchView[]): string {
  const open = fetches.filter(({ doneBytes, totalBytes }) => doneBytes < totalBytes);
  if (open.length === 0) return '';
  return `\nFetching:\n${open.map(fetchLine).join('')}`;
}

const fetchLine = ({ service, file, doneBytes, totalBytes, reusedBytes }: FetchView): string => {
  const percent = String(Math.floor((doneBytes / totalBytes) * 100)).padStart(3);
  const reused = reusedBytes === 0 ? '' : `, ${sizeOf(reusedBytes)} from this disk`;
  return `${bar(doneBytes, totalBytes)} ${percent} %  ${service}  ${sizeOf(doneBytes)} of ${sizeOf(totalBytes)}${reused}  ${shortDigest(file)}\n`;
};

const QUESTION: Readonly<Record<NonNullable<NodeOffer['question']>, string>> = {
  prepare: 'may it be fetched and evaluated?  accept, defer or reject',
  acceptSuite: 'may its suite read your records?  suites accept',
  activate: 'may it serve?  accept, defer or reject',
  waive: 'its gate is inconclusive: accept --inconclusive --reason, or reject',
  release: 'may its result leave?  accept or reject',
};

export function offersText(offers: readonly NodeOffer[], paint: Paint): string {
  if (offers.length === 0) return 'Nothing waits for an answer.\n';
  return offers.map((offer) => offerText(offer, paint)).join('\n');
}

/** What comes over the line, and beside it the whole where a part is here. */
function toFetchText({ bytes, missingBytes }: NodeOffer): string {
  if (missingBytes === null || missingBytes >= bytes) return `${sizeOf(bytes)} at most`;
  const missing = missingBytes === 0 ? 'nothing' : `${sizeOf(missingBytes)} at most`;
  return `${missing}; of its ${sizeOf(bytes)} the rest is on this disk`;
}

function offerText(offer: NodeOffer, paint: Paint): string {
  const { service, number, change, model, variant, suite, step, question, waitsFor, waitsSince, deferredUntil } = offer;
  const since = waitsSince === null ? '' : ` since ${at(waitsSince)}`;
  const waits = waitsFor === null ? '' : `, waits for ${spaced(waitsFor)}${since}`;
  const suiteSays = `${suite.digest}, ${suite.accepted ? 'accepted' : 'not accepted'}${suite.readsSiteData ? ', reads your records' : ''}`;
  return [
    `${paint('bold', `${service} release ${number}`)}\n`,
    facts([
      ['model', `${model}, variant ${variant}, ${spaced(change)}`],
      ...(offer.changeIsStale
        ? [['change', 'that is from another release than the one that serves now'] as const]
        : []),
      ['to fetch', toFetchText(offer)],
      ['suite', suiteSays],
      ['step', `${spaced(step)}${waits}`],
      ...(deferredUntil === null ? [] : [['deferred until', at(deferredUntil)] as const]),
      ...resultFacts(offer),
      ['asked of you', question === null ? 'nothing now' : paint('warn', QUESTION[question])],
    ]),
  ].join('');
}

interface Judged {
  readonly verdict: string;
  readonly reason: string;
}
interface GateCounts extends Judged {
  readonly kind: string;
  readonly against?: string;
  readonly counts: Readonly<Record<string, number>> | null;
}

/** N2: the site sees the result before the network does. */
function resultFacts({ gate, result }: NodeOffer): (readonly [string, string])[] {
  if (gate === null) return [];
  const said = ({ verdict, reason }: Judged): string => `${verdict}: ${spaced(reason)}`;
  const lines: (readonly [string, string])[] = [
    ['result', `${said(gate)}; ${gate.hasLeft ? 'the network knows it' : 'it has not left this site'}`],
  ];
  const { bundled, own } = (result ?? {}) as {
    bundled?: Judged & { gates: readonly GateCounts[] };
    own?: Judged | null;
  };
  if (own != null) lines.push(['on your records', said(own)]);
  for (const { kind, against, counts, ...judged } of bundled?.gates ?? []) {
    const numbers = Object.entries(counts ?? {}).map(([name, value]) => `${spaced(name)} ${value}`);
    const versus = against === undefined ? '' : ` against ${spaced(against)}`;
    lines.push([
      `bundled, ${spaced(kind)}`,
      `${said(judged)}${versus}${numbers.length === 0 ? '' : ` (${numbers.join(', ')})`}`,
    ]);
  }
  return lines;
}

export const nodeSuitesText = (suites: readonly NodeSuite[]): string =>
  suites.length === 0
    ? 'No offered release has a suite.\n'
    : table(
        ['suite', 'service', 'items', 'reads your records', 'accepted', 'digest'],
        suites.map(({ name, version, service, bundledItems, readsSiteData, accepted, digest }) => [
          `${name} ${version}`,
          service,
          String(bundledItems),
          readsSiteData ? 'yes' : 'no',
          accepted ? 'yes' : 'no',
          digest,
        ]),
      );

type Rule = NodeRules['prepare'][number];
export function rulesText({ prepare, activate }: NodeRules): string {
  const rows = [
    ...prepare.map((rule) => ['prepare', ...cellsOf(rule)]),
    ...activate.map((rule) => ['activate', ...cellsOf(rule)]),
  ];
  return rows.length === 0
    ? 'No standing rule: each release waits for a person here, before it is fetched and before it serves.\n'
    : table(['may be', 'services', 'changes', 'at most', 'hours'], rows);
}
const cellsOf = ({ services, changes, maxBytes, hours }: Rule): string[] => [
  services?.join(' ') ?? 'any',
  changes?.map(spaced).join(', ') ?? 'any',
  maxBytes === undefined ? 'any size' : sizeOf(maxBytes),
  hours?.map(({ days, from, to }) => `${days.join(' ')} ${from} to ${to}`).join('; ') ?? 'always',
];

export const disclosuresText = (rows: readonly Disclosure[]): string =>
  table(
    ['seq', 'at', 'kind', 'bytes', 'to'],
    rows.map(({ seq, at: when, kind, bytes, subject }) => [
      String(seq),
      at(when),
      kind,
      String(Buffer.from(bytes, 'base64').length),
      subject,
    ]),
  );

export const summaryText = (kinds: DisclosureSummary['kinds']): string =>
  table(
    ['kind', 'messages', 'bytes'],
    Object.entries(kinds).map(([kind, { rows, bytes }]) => [kind, String(rows), String(bytes)]),
  );

export const dataSetsText = (sets: readonly DataSetView[]): string =>
  table(
    [
      'name',
      'version',
      'service',
      'records',
      'persons',
      'red-flag persons',
      'approved by',
      'expires',
      'added',
      'outside it is',
    ],
    sets.map(({ name, version, card, addedAt, commitment }) => {
      const of = (field: string): string => orDash(card[field] as string | number | undefined);
      return [
        name,
        String(version),
        of('service'),
        of('records'),
        of('persons'),
        of('redFlagPersons'),
        of('approvedBy'),
        of('expiresOn'),
        at(addedAt),
        orDash(commitment),
      ];
    }),
  );

export const keysText = (keys: readonly NodeKey[], now: number): string =>
  table(
    ['key', 'application', 'made', 'revoked'],
    keys.map(({ id, application, createdAt, revokedAt }) => [
      id,
      application,
      agoOf(at(createdAt), now),
      revokedAt === null ? '-' : agoOf(at(revokedAt), now),
    ]),
  );
