import type { Command } from 'commander';
import type { CreateRelease, RecallEffect, Service } from '@openward/contracts';
import { admin, itemsOf, leaf, type Cli } from '../cli.ts';
import { parseCount, readJson } from '../parse.ts';
import { facts, table } from '../table.ts';
import { UsageError } from '../usage-error.ts';
import { modelsText, modelText, releasesText, releaseText, servicesText, suitesText } from '../views/catalogue.ts';
import { pushModelFile } from './push-model.ts';

export function addServices(cli: Cli, program: Command): void {
  const services = program.command('services').description('the stable names that applications call');
  leaf(
    cli,
    services,
    'list',
    'list services',
    admin(async (client, run, _args, { limit }) => {
      const found = await itemsOf((listing) => client.services.list(listing), limit);
      run.show(found, () => servicesText(found));
    }),
  ).option('--limit <n>', 'at most as many');
  leaf(
    cli,
    services,
    'show <service>',
    'show a service',
    admin(async (client, run, [name = '']) => {
      const it = await client.services.get(name);
      run.show(it, () =>
        facts([
          ['service', it.name],
          ['purpose', it.purpose],
          ['users', it.users],
          ['languages', it.languages.join(' ')],
          ['risk class', it.riskClass],
          ['without it', it.fallbackText],
          ...(it.variables ?? []).map(({ name, default: value, setBySite }): [string, string] => [
            `  {{${name}}}`,
            `${value}${setBySite ? ', or what a site sets' : ''}`,
          ]),
          ['releases', String(it.releases)],
          ['created', it.createdAt],
        ]),
      );
    }),
  );
  leaf(
    cli,
    services,
    'add <file>',
    'add a service from a JSON file (- is standard input)',
    admin(async (client, run, [file = '']) => {
      const service = await client.services.create((await readJson(file, run.terminal)) as Service);
      run.show(service, () => servicesText([service]));
    }),
  );
}

export function addModels(cli: Cli, program: Command): void {
  const models = program.command('models').description('immutable weights, with their variants by hardware');
  leaf(
    cli,
    models,
    'list',
    'list model versions',
    admin(async (client, run, _args, { limit, name }) => {
      const found = await itemsOf(
        (listing) => client.models.list({ ...listing, name: name as string | undefined }),
        limit,
      );
      run.show(found, () => modelsText(found));
    }),
  )
    .option('--name <name>', 'of this model alone')
    .option('--limit <n>', 'at most as many');
  leaf(
    cli,
    models,
    'show <name> <version>',
    'show a model version and its variants',
    admin(async (client, run, [name = '', version = '']) => {
      const model = await client.models.get(name, version);
      run.show(model, () => modelText(model));
    }),
  );
  leaf(
    cli,
    models,
    'retire <name> <version>',
    'retire a model version that nothing stands on: no release names it from then on, and its bytes may go',
    admin(async (client, run, [name = '', version = ''], { reason }) => {
      const model = await client.models.retire(name, version, reason as string);
      run.show(
        model,
        () => `${name} ${version} is retired. Its bytes go with the next housekeeping, but for an anchor's.\n`,
      );
    }),
  ).requiredOption('--reason <text>', 'kept in the audit log');
  leaf(cli, models, 'push <file>', 'upload a GGUF and register it as a variant of a version', pushModelFile)
    .requiredOption('--name <name>', 'of the model')
    .requiredOption('--version <version>', 'immutable once it is registered')
    .option('--variant <variant>', 'such as q8_0; the file’s main tensor type where it is not given')
    .option('--base <name@version>', 'of an adapter: what it was trained on')
    .option('--base-variant <variant>', 'of an adapter: on which of the base’s variants it runs')
    .requiredOption('--config <file>', 'JSON: template, needs, and contextLength and trainingStatement if wanted')
    .option('--threads <n>', 'what the variant needs, in place of the file’s needs.threads')
    .option('--memory <size>', 'what the variant needs, such as 6GiB, in place of needs.memoryBytes');
}

export function addSuites(cli: Cli, program: Command): void {
  const suites = program.command('suites').description('evaluation suites: items, graders and gates');
  leaf(
    cli,
    suites,
    'list',
    'list suites',
    admin(async (client, run, _args, { limit, service }) => {
      const found = await itemsOf(
        (listing) => client.suites.list({ ...listing, service: service as string | undefined }),
        limit,
      );
      run.show(found, () => suitesText(found));
    }),
  )
    .option('--service <service>', 'of this service alone')
    .option('--limit <n>', 'at most as many');
  leaf(
    cli,
    suites,
    'show <name> <version>',
    'show a suite’s gates; its items with --json',
    admin(async (client, run, [name = '', version = '']) => {
      const suite = await client.suites.get(name, parseCount(version, 'VERSION'));
      const { document, digest } = suite;
      run.show(suite, () =>
        [
          facts([
            ['suite', `${document.name} ${document.version}`],
            ['service', document.service],
            ['digest', digest],
            ['items', `${document.items.length}, ${document.items.filter((it) => it.redFlag).length} red flags`],
            ['run again', String(document.rerunItems)],
            ['persons at least', String(document.minimumDistinctPersons)],
          ]),
          '\n',
          table(
            ['gate', 'set', 'margin', 'ceiling'],
            document.gates.map((gate) => [
              gate.kind,
              gate.set,
              String(gate.margin),
              gate.kind === 'safety' ? String(gate.ceiling) : '-',
            ]),
          ),
        ].join(''),
      );
    }),
  );
  leaf(
    cli,
    suites,
    'push <file>',
    'make a suite version from a JSON file (- is standard input)',
    admin(async (client, run, [file = '']) => {
      const suite = await client.pushSuite(await readJson(file, run.terminal));
      run.show(suite, () => suitesText([suite]));
    }),
  );
}

function recallText({ serving, leftWithNothing, nodes }: RecallEffect): string {
  if (leftWithNothing === 0) return `${serving} nodes serve it, and each has another release to go to.\n`;
  const named = nodes.map(({ node, site }) => `${node} of ${site}`).join(', ');
  const more = leftWithNothing > nodes.length ? ' and others' : '';
  return `Of ${serving} nodes that serve it ${leftWithNothing} are left with nothing to serve, and their callers get the fallback text: ${named}${more}.\n`;
}

const CHANGE_HELP = `
FILE has service, model, policy, parameters and suite. change is computed from what the rollout that was completed last brought:
newService, policyText, policyRule, adapter, quantisation or base. Where FILE says one, another is refused.`;

export function addReleases(cli: Cli, program: Command): void {
  const releases = program.command('releases').description('model, prompt policy and suite, bound together');
  leaf(
    cli,
    releases,
    'list <service>',
    'list the releases of a service, the newest first',
    admin(async (client, run, [service = ''], { limit }) => {
      const found = await itemsOf((listing) => client.releases.list(service, listing), limit);
      run.show(found, () => releasesText(found));
    }),
  ).option('--limit <n>', 'at most as many');
  leaf(
    cli,
    releases,
    'show <service> <number>',
    'show a release',
    admin(async (client, run, [service = '', number = '']) => {
      const release = await client.releases.get(service, parseCount(number, 'NUMBER'));
      run.show(
        release,
        () =>
          `${releaseText(release)}\n${modelText({ ...release.release.model, createdAt: release.createdAt, retiredAt: null })}`,
      );
    }),
  );
  leaf(
    cli,
    releases,
    'create <file>',
    'make the next release of a service from a JSON file (- is standard input); the same again is the release that is there',
    admin(async (client, run, [file = '']) => {
      const release = await client.releases.create((await readJson(file, run.terminal)) as CreateRelease);
      run.show(release, () => releaseText(release));
    }),
  ).addHelpText('after', CHANGE_HELP);
  leaf(
    cli,
    releases,
    'recall <service> <number>',
    'recall a release: it is never selected again, anywhere',
    admin(async (client, run, [service = '', number = ''], { reason, dryRun }) => {
      const which = parseCount(number, 'NUMBER');
      if (dryRun === true) {
        const effect = await client.releases.recallEffect(service, which);
        return run.show(effect, () => recallText(effect));
      }
      if (reason === undefined) throw new UsageError('A recall needs a reason.', 'Give --reason TEXT.');
      // A recall is for harm: it waits for no answer to this, and goes on where there is none.
      const looking = client.releases.recallEffect(service, which).catch(() => null);
      const release = await client.releases.recall(service, which, reason as string);
      const effect = await looking;
      if (effect !== null && effect.leftWithNothing > 0) run.note(recallText(effect).trimEnd());
      run.show(release, () => releaseText(release));
    }),
  )
    .option('--reason <text>', 'kept with the release')
    .option('--dry-run', 'say which nodes would have nothing to serve, and change nothing');
}
