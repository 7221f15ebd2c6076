import type {
  ModelView,
  NodeView,
  PolicyView,
  ReleaseRow,
  ReleaseView,
  ServiceState,
  ServiceView,
  SiteView,
  SuiteView,
} from '@openward/contracts';
import { facts, table } from '../table.ts';
import { agoOf, oneLine, orDash, shortDigest, sizeOf, spaced } from '../words.ts';

// Lists and single things, as tables.

export const sitesText = (sites: readonly SiteView[]): string =>
  table(
    ['site', 'tier', 'nodes', 'languages', 'time zone', 'link', 'labels'],
    sites.map((site) => [
      site.name,
      site.tier,
      String(site.nodes),
      site.languages.join(' '),
      site.timeZone,
      site.linkBytesPerSecond === null ? 'not stated' : `${sizeOf(site.linkBytesPerSecond)}/s`,
      Object.entries(site.labels)
        .map(([name, value]) => `${name}=${value}`)
        .join(' ') || '-',
    ]),
  );

const classOf = ({ class: of }: NodeView): string =>
  of === null
    ? 'never reported'
    : `${of.threads} threads, ${of.memoryGiB} GiB, ${of.diskFreePercent} % of ${of.diskGiB} GiB disk free`;
const runtimeOf = ({ class: of }: NodeView): string =>
  of === null
    ? '-'
    : `${of.runtimeServers === 1 ? '' : `${of.runtimeServers} × `}${of.runtime} ${of.runtimeVersion}${of.runtimeSafe === 'safe' ? '' : ` (${spaced(of.runtimeSafe)})`}`;
/** What the NATS server says now; what a node itself said last is its report. */
const linkOf = ({ link, revokedAt }: NodeView, now: number): string =>
  revokedAt !== null || link === null
    ? '-'
    : `${link.connected ? 'connected' : 'not connected'}, since ${agoOf(link.since, now).replace(/ ago$/, '')}`;
const servesOf = (services: readonly ServiceState[]): string =>
  services.map(({ service, serving }) => `${service}: ${spaced(serving)}`).join(', ') || '-';

export const nodesText = (nodes: readonly NodeView[], now: number): string =>
  table(
    ['node', 'site', 'tier', 'network', 'last report', 'given to the runtime', 'runtime', 'services'],
    nodes.map((node) => [
      node.name,
      node.site,
      node.tier,
      linkOf(node, now),
      node.revokedAt === null ? agoOf(node.lastReportAt, now) : `revoked ${agoOf(node.revokedAt, now)}`,
      classOf(node),
      runtimeOf(node),
      servesOf(node.services),
    ]),
  );

export function nodeText(node: NodeView, now: number): string {
  const { generation } = node;
  return [
    facts([
      ['node', node.name],
      ['site', `${node.site} (${node.tier})`],
      ['agent', orDash(node.agentVersion)],
      ['runtime', runtimeOf(node)],
      ['given to it', classOf(node)],
      ['network', linkOf(node, now)],
      ['last report', agoOf(node.lastReportAt, now)],
      ['desired state', generation === null ? '-' : `epoch ${generation.epoch}, number ${generation.number}`],
      ['enrolled', node.enrolledAt],
      ['credentials until', orDash(node.credentialsUntil)],
      ['revoked', orDash(node.revokedAt)],
      ['identity key', node.identityKeyId],
    ]),
    node.services.length === 0 ? '' : `\n${serviceStatesText(node.services)}`,
  ].join('');
}

export const serviceStatesText = (services: readonly ServiceState[]): string =>
  table(
    ['service', 'serving', 'active', 'last good', 'pinned', 'attempt', 'waits for'],
    services.map(({ service, serving, active, lastGood, pinned, assignment }) => [
      service,
      spaced(serving),
      shortDigest(active),
      shortDigest(lastGood),
      pinned ? 'yes' : 'no',
      assignment === undefined ? '-' : stepText(assignment),
      assignment?.waitsFor === undefined ? '-' : spaced(assignment.waitsFor),
    ]),
  );

function stepText({ step, outcome, reason, reference }: NonNullable<ServiceState['assignment']>): string {
  const why = [outcome, reason].filter((it) => it !== undefined).map(spaced);
  const found = reference === undefined ? '' : ` [${reference}]`;
  return `${spaced(step)}${why.length === 0 ? '' : `: ${why.join(', ')}`}${found}`;
}

export const servicesText = (services: readonly ServiceView[]): string =>
  table(
    ['service', 'releases', 'risk', 'languages', 'users', 'purpose'],
    services.map(({ name, releases, riskClass, languages, users, purpose }) => [
      name,
      String(releases),
      riskClass,
      languages.join(' '),
      users,
      purpose,
    ]),
  );

export const modelsText = (models: readonly ModelView[]): string =>
  table(
    ['model', 'version', 'kind', 'base', 'variants', 'created', 'retired'],
    models.map(({ name, version, kind, base, variants, createdAt, retiredAt }) => [
      name,
      version,
      kind,
      base === undefined ? '-' : `${base.name} ${base.version}`,
      variants.map(({ variant }) => variant).join(' '),
      createdAt,
      orDash(retiredAt),
    ]),
  );

export const modelText = (model: ModelView): string =>
  [
    facts([
      ['model', `${model.name} ${model.version}`],
      ['kind', model.kind],
      ['base', model.base === undefined ? '-' : `${model.base.name} ${model.base.version}`],
      ['family', model.family],
      ['context length', String(model.contextLength)],
      ['training', orDash(model.trainingStatement)],
      ['created', model.createdAt],
      ...(model.retiredAt === null ? [] : [['retired', model.retiredAt] as const]),
    ]),
    '\n',
    table(
      ['variant', 'size', 'threads', 'memory', 'file'],
      model.variants.map(({ variant, artifact, needs }) => [
        variant,
        sizeOf(artifact.size),
        String(needs.threads),
        sizeOf(needs.memoryBytes),
        artifact.file,
      ]),
    ),
  ].join('');

export const suitesText = (suites: readonly SuiteView[]): string =>
  table(
    ['suite', 'version', 'service', 'items', 'reads site data', 'digest'],
    suites.map(({ name, version, service, items, readsSiteData, digest }) => [
      name,
      String(version),
      service,
      String(items),
      readsSiteData ? 'yes' : 'no',
      digest,
    ]),
  );

export const policiesText = (policies: readonly PolicyView[]): string =>
  table(
    ['policy', 'revision', 'languages', 'rules', 'tests', 'expires', 'description', 'digest'],
    policies.map(({ id, revision, languages, rules, tests, expires, description, digest }) => [
      id,
      String(revision),
      languages.join(' '),
      String(rules),
      String(tests),
      orDash(expires),
      oneLine(description),
      shortDigest(digest),
    ]),
  );

export const releaseText = ({ release, ...made }: ReleaseView): string =>
  releasesText([{ ...release, ...made, service: release.service.name }]);

export const releasesText = (releases: readonly ReleaseRow[]): string =>
  table(
    ['release', 'model', 'change', 'policy', 'suite', 'recalled', 'created', 'digest'],
    releases.map(({ number, model, change, policy, suite, recalled, createdAt, createdBy, digest }) => [
      String(number),
      `${model.name} ${model.version}`,
      spaced(change),
      `${policy.id}@${policy.revision}`,
      `${suite.name} ${suite.version}`,
      recalled === null ? '-' : `${recalled.at} by ${recalled.by}: ${recalled.reason}`,
      `${createdAt} by ${createdBy}`,
      shortDigest(digest),
    ]),
  );
