import { readFileSync } from 'node:fs';
import { Refusal } from '@openward/contracts';
import { openNodeDatabase } from '@openward/persistence/node';
import { dataDirOf } from './config.ts';
import { enrol } from './network/enrol.ts';
import { claimFolder, pathsOf } from './node/files.ts';

// `node enrol-main.js --data DIR --node NAME`, the token on standard input, so that it stands in no list of processes.

const valueOf = (flag: string): string | undefined => {
  const at = process.argv.indexOf(flag);
  return at < 0 ? undefined : process.argv[at + 1];
};

const dataDir = dataDirOf(process.argv);
claimFolder(dataDir);
const database = openNodeDatabase(pathsOf(dataDir).database);
try {
  const token = readFileSync(0, 'utf8').trim();
  const enrolment = await enrol({ dataDir, token, node: valueOf('--node') ?? '', database, wall: () => Date.now() });
  const { site, node, credentials } = enrolment;
  process.stdout.write(`${JSON.stringify({ site, node, credentialsUntil: credentials.expiresAt })}\n`);
} catch (error) {
  const body =
    error instanceof Refusal
      ? error.toBody()
      : { code: 'internal', message: String(error instanceof Error ? error.message : error), next: '' };
  process.stderr.write(`${JSON.stringify(body)}\n`);
  process.exitCode = 1;
} finally {
  database.close();
}
