// Installs what package-lock.json says, when it is not there already. Plain JavaScript for Node 20 without dependencies.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { cacheFolder } from './nats-server.mjs';
import { runProgram } from './programs.mjs';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

// npm 9 fails on the `overrides` of this project with "Invalid comparator".
const OLDEST_NPM = 10;
const OWN_NPM = '11.19.1';

const packagesOf = (file) => JSON.parse(readFileSync(join(ROOT, file), 'utf8')).packages;

/** True when node_modules is what the lock says. npm keeps its own account of what it put there, written last. */
export function areDependenciesInstalled() {
  if (!existsSync(join(ROOT, 'node_modules/.package-lock.json'))) return false;
  const wanted = packagesOf('package-lock.json');
  const present = packagesOf('node_modules/.package-lock.json');
  return Object.entries(wanted).every(([place, entry]) => {
    if (place === '') return true;
    const found = present[place];
    // Builds for other platforms are in the lock and not on this machine.
    if (!found) return entry.optional === true;
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

/** The environment without this clone's own programs: an install replaces them while it runs. */
function outsideEnvironment() {
  const own = join(ROOT, 'node_modules');
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.startsWith(own));
  return { ...process.env, PATH: path.join(delimiter) };
}

function versionOfNpm(command, env) {
  try {
    const [program, ...args] = command;
    return execFileSync(program, [...args, '--version'], { env, encoding: 'utf8', cwd: dirname(ROOT) }).trim();
  } catch {
    return undefined;
  }
}

/** The command that runs an npm which can install this project, fetched with the one that is there when it is too old. */
async function usableNpm(env, say) {
  const there = process.platform === 'win32' ? ['cmd', '/c', 'npm'] : ['npm'];
  const version = versionOfNpm(there, env);
  if (version === undefined)
    throw new Error('npm is missing: install it (Debian: apt-get install npm), and run this again.');
  if (Number(version.split('.')[0]) >= OLDEST_NPM) return there;
  const prefix = join(cacheFolder(), `npm-${OWN_NPM}`);
  const program = join(prefix, 'node_modules/npm/bin/npm-cli.js');
  if (!existsSync(program)) {
    say(`npm ${version} is too old for this project: fetching npm ${OWN_NPM} into ${prefix}`);
    mkdirSync(prefix, { recursive: true });
    const args = ['install', '--prefix', prefix, '--loglevel=error', '--no-audit', '--no-fund', `npm@${OWN_NPM}`];
    const code = await runProgram(there[0], [...there.slice(1), ...args], { env, cwd: prefix });
    if (code !== 0) throw new Error(`npm ${OWN_NPM} could not be fetched: see above.`);
  }
  return ['node', program];
}

/** Brings node_modules to what the lock says, from nothing. */
export async function installDependencies(say) {
  const env = outsideEnvironment();
  // What an outer npm says about itself does not hold for another one.
  for (const name of Object.keys(env))
    if (/^npm_(execpath|node_execpath|package_|lifecycle_)/.test(name)) delete env[name];
  const [program, ...args] = await usableNpm(env, say);
  say('installing the dependencies (half a minute, or longer on a slow line)');
  const started = Date.now();
  // npm says nothing while it fetches, where nobody sits before a terminal.
  const sign = setInterval(
    () => say(`still installing, ${Math.round((Date.now() - started) / 1000)} s so far`),
    15_000,
  );
  const flags = ['ci', '--loglevel=error', '--no-audit', '--no-fund'];
  const code = await runProgram(program, [...args, ...flags], { env, cwd: ROOT }).finally(() => clearInterval(sign));
  if (code !== 0) throw new Error('The dependencies could not be installed: see above.');
  if (!areDependenciesInstalled()) throw new Error('npm left node_modules incomplete: remove it, and run this again.');
}
