import type { Command } from 'commander';
import type { PromptPolicy } from '@openward/contracts';
import { accessOf } from '../settings.ts';
import { leaf, type Act, type Cli, type Run } from '../cli.ts';
import { EXIT } from '../exit-codes.ts';
import { openClient } from '../open-client.ts';
import { UsageError } from '../usage-error.ts';
import { clinicalLines } from '../views/clinical.ts';
import { diffText, expiredText, NEXT_OF_EXPIRED, refusedText, summaryText, testedText } from '../views/policy.ts';
import { readPolicyDir, writePolicyDir } from './policy-folder.ts';

// What an author does with a policy before anybody else sees it. Nothing here needs a network but a policy that is named by its id.

export function addPolicyAuthoring(cli: Cli, policy: Command): void {
  leaf(cli, policy, 'init <dir>', 'write a policy to start from, into a new or empty folder', init).option(
    '--id <id>',
    'its name',
  );
  leaf(cli, policy, 'test <dir>', 'check a policy, run its own tests, and say how its replies stream', test);
  leaf(
    cli,
    policy,
    'diff <a> <b>',
    'two policies side by side, each a folder or ID@REVISION (./ID@REVISION is a folder)',
    diff,
  );
}

const init: Act = async (run, [dir = ''], { id }) => {
  const { starterPolicy } = await import('@openward/policy');
  const { Name } = await import('@openward/contracts');
  const name = Name.optional().safeParse(id);
  if (!name.success)
    throw new UsageError(`--id ${String(id)} is no name.`, 'Write lower-case letters, digits and hyphens.');
  const starter = starterPolicy();
  const files = await writePolicyDir(dir, { ...starter, id: name.data ?? starter.id });
  run.show({ files }, () => files.map((path) => `${path}\n`).join(''));
  run.note(`Next: change them, then \`openward policy test ${dir}\`.`);
};

const test: Act = async (run, [dir = '']) => {
  const read = await readPolicyDir(dir);
  const { expiryOf } = await import('@openward/contracts');
  const { clinicalChanges, examinePolicy, NO_SITE_TERMS, visible } = await import('@openward/policy');
  const clock = (): number => performance.now();
  const examined =
    read.kind === 'ok'
      ? examinePolicy(read.document, NO_SITE_TERMS, clock)
      : { policy: null, compiled: null, results: [], findings: read.findings };
  const { policy, compiled, results, findings } = examined;
  const expiry = policy && expiryOf(policy, run.now);
  const clinical = compiled && clinicalChanges(compiled.policy, NO_SITE_TERMS, clock);
  run.show(
    {
      ok: findings.length === 0 && expiry?.state !== 'expired',
      policy: policy && { id: policy.id, revision: policy.revision },
      stream: compiled?.stream ?? null,
      tests: results,
      findings,
      expiry,
      clinical,
    },
    () =>
      [
        policy === null ? '' : summaryText(policy),
        compiled === null ? '' : testedText(compiled, results, run.paint),
        findings.length === 0 ? '' : `${compiled === null ? '' : '\n'}${refusedText(findings, run.paint)}`,
      ].join(''),
  );
  for (const line of clinical === null ? [] : clinicalLines(clinical, visible)) run.note(line);
  if (expiry?.state === 'soon') run.note(`warning: It expires in ${expiry.days} days (${policy?.expires}).`);
  if (findings.length > 0) {
    run.note('openward: The policy is refused, here, at the push and on every node.\n  next: Correct what is named.');
    return EXIT.refused;
  }
  if (expiry?.state !== 'expired') return EXIT.ok;
  run.note(`openward: ${expiredText(policy)}\n  next: ${NEXT_OF_EXPIRED}`);
  return EXIT.expired;
};

const diff: Act = async (run, [a = '', b = '']) => {
  const [from, to] = [await policyOf(run, a), await policyOf(run, b)];
  const { diffPolicies, visible } = await import('@openward/policy');
  const found = diffPolicies(from, to);
  run.show(found, () => diffText(found, run.paint, visible));
};

/** A folder, whose shape alone is checked, so that one that is not finished can be looked at; or ID@REVISION. */
async function policyOf(run: Run, name: string): Promise<PromptPolicy> {
  const [, id, revision] = /^([a-z0-9-]+)@([1-9][0-9]*)$/.exec(name) ?? [];
  if (id !== undefined) return pushedPolicy(run, id, Number(revision));
  const read = await readPolicyDir(name);
  const { examineShape, policyRefusal } = await import('@openward/policy');
  const shape = read.kind === 'ok' ? examineShape(read.document) : { policy: null, findings: read.findings };
  if (shape.policy === null) throw policyRefusal(shape.findings);
  return shape.policy;
}

async function pushedPolicy(run: Run, id: string, revision: number): Promise<PromptPolicy> {
  const client = await openClient(accessOf(run.terminal.env));
  try {
    return (await client.policies.get(id, revision)).document;
  } finally {
    client.close();
  }
}
