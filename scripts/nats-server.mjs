// Finds a NATS server, and gets one where there is none. Plain JavaScript for Node 20 without dependencies, since the
// bootstrap runs it before anything is installed; the tests and the demo import it too.
//
//   node scripts/nats-server.mjs             prints the path of a server, after getting one if need be
//   node scripts/nats-server.mjs --list      prints every usable server on this machine, newest first
//   node scripts/nats-server.mjs --package   adds the distribution's to the cache: the tests run on each that is there
//
// Order: the newest of those on the PATH and in the cache; else the official download; else `go install`; else the
// distribution's package. A download is checked against a pinned sha256, and without one there is no download.
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

// Which versions, with the checksums of the downloads, and where those come from: deploy/nats/README.md.
const PINS = JSON.parse(readFileSync(new URL('../deploy/nats/server.json', import.meta.url), 'utf8'));

/** The release that the project is developed against, built from source where Go is at hand. */
export const PINNED_VERSION = PINS.build;

/** The oldest server on which every function works. A public listener asks for more. */
export const FLOOR_VERSION = PINS.floor;

const OFFICIAL = 'https://github.com/nats-io/nats-server/releases/download';

const EXE = process.platform === 'win32' ? 'nats-server.exe' : 'nats-server';

/** The folder that keeps what was fetched. It falls back to the repository where the home folder cannot be written. */
export function cacheFolder() {
  if (process.env.OPENWARD_CACHE) return process.env.OPENWARD_CACHE;
  const preferred = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'openward');
  try {
    mkdirSync(preferred, { recursive: true });
    accessSync(preferred, constants.W_OK);
    return preferred;
  } catch {
    return join(fileURLToPath(new URL('..', import.meta.url)), '.cache');
  }
}

/** Below zero when `a` is the older version. A pre-release counts as its release. */
export function compareVersions(a, b) {
  const numbers = (version) => version.split(/[.+-]/, 3).map(Number);
  const [left, right] = [numbers(a), numbers(b)];
  return left[0] - right[0] || left[1] - right[1] || left[2] - right[2];
}

/** What a program says its version is, or undefined where it is no NATS server that runs here. */
function versionOf(path) {
  try {
    const said = execFileSync(path, ['--version'], {
      encoding: 'utf8',
      timeout: 10_000,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return /v(\d+\.\d+\.\d+\S*)/.exec(said)?.[1];
  } catch {
    return undefined;
  }
}

function candidates() {
  const listed = (process.env.OPENWARD_NATS_SERVERS ?? '').split(delimiter);
  const onPath = (process.env.PATH ?? '')
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, EXE));
  // Debian keeps it where only root's PATH looks.
  const debian = process.platform === 'linux' ? ['/usr/sbin/nats-server'] : [];
  const kept = join(cacheFolder(), 'nats-server');
  const cached = existsSync(kept)
    ? readdirSync(kept)
        .filter((name) => !name.startsWith('.'))
        .map((name) => join(kept, name, EXE))
    : [];
  return [...listed, ...onPath, ...debian, ...cached].filter((path) => path !== '' && existsSync(path));
}

/**
 * Every server on this machine that is new enough, newest first, each version once. Looks at OPENWARD_NATS_SERVERS
 * (paths, separated as in PATH), the PATH and the cache; fetches nothing.
 */
export function natsServers() {
  const found = new Map();
  for (const path of new Set(candidates().map((path) => realpathSync(path)))) {
    const version = versionOf(path);
    if (version && compareVersions(version, FLOOR_VERSION) >= 0 && !found.has(version))
      found.set(version, { path, version });
  }
  return [...found.values()].sort((a, b) => compareVersions(b.version, a.version));
}

/** Makes a server appear in the cache whole or not at all, also when two processes fetch it at once. */
async function keep(version, fill) {
  const shelf = join(cacheFolder(), 'nats-server');
  mkdirSync(shelf, { recursive: true });
  const draft = mkdtempSync(join(shelf, '.draft-'));
  try {
    await fill(draft);
    const said = versionOf(join(draft, EXE));
    if (said === undefined) throw new Error('it does not run here');
    if (version !== undefined && said !== version) throw new Error(`it says that it is ${said}, not ${version}`);
    chmodSync(draft, 0o755);
    const place = join(shelf, said);
    try {
      renameSync(draft, place);
    } catch (error) {
      if (!existsSync(join(place, EXE))) throw error;
    }
    return { path: join(place, EXE), version: said };
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/**
 * Downloads a release into the cache, unless its bytes are not the pinned ones. A mirror needs no trust, therefore.
 * @param {{ version: string, sha256: Record<string, string> }} pin
 */
export async function downloadRelease(pin = PINS.download, from = process.env.OPENWARD_NATS_MIRROR || OFFICIAL) {
  const platform = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const expected = pin.sha256[platform];
  if (!expected) throw new Error(`no checksum is pinned for ${platform}`);
  const url = `${from}/v${pin.version}/nats-server-v${pin.version}-${platform}.tar.gz`;
  const response = await fetch(url, { signal: AbortSignal.timeout(120_000) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: it failed`);
  const archive = Buffer.from(await response.arrayBuffer());
  const actual = createHash('sha256').update(archive).digest('hex');
  if (actual !== expected) throw new Error(`refused: ${url} has sha256 ${actual}, pinned is ${expected}`);
  return keep(pin.version, async (draft) => {
    writeFileSync(join(draft, 'archive.tar.gz'), archive);
    await run('tar', ['-xzf', 'archive.tar.gz', '--strip-components=1'], { cwd: draft });
    rmSync(join(draft, 'archive.tar.gz'));
  });
}

async function buildWithGo() {
  if (spawnSync('go', ['version']).status !== 0) throw new Error('Go is not installed');
  return keep(PINNED_VERSION, async (draft) => {
    const env = { ...process.env, GOBIN: draft, CGO_ENABLED: '0' };
    await run('go', ['install', `github.com/nats-io/nats-server/v2@v${PINNED_VERSION}`], { env, timeout: 600_000 });
  });
}

// The package is unpacked, not installed: installing it would start a service on port 4222.
async function unpackDebianPackage() {
  if (spawnSync('dpkg', ['--version']).status !== 0) throw new Error('this is no Debian');
  return keep(undefined, async (draft) => {
    const fetchPackage = () => run('apt-get', ['download', 'nats-server'], { cwd: draft, timeout: 300_000 });
    await fetchPackage().catch(async () => {
      if (process.getuid?.() === 0) await run('apt-get', ['update'], { timeout: 300_000 });
      await fetchPackage();
    });
    const archive = readdirSync(draft).find((name) => name.endsWith('.deb'));
    if (!archive) throw new Error('the package did not arrive');
    await run('dpkg', ['-x', archive, 'unpacked'], { cwd: draft });
    const program = ['usr/sbin', 'usr/bin']
      .map((folder) => join(draft, 'unpacked', folder, EXE))
      .find((path) => existsSync(path));
    if (!program) throw new Error('the package holds no nats-server');
    renameSync(program, join(draft, EXE));
    rmSync(join(draft, archive));
    rmSync(join(draft, 'unpacked'), { recursive: true });
  });
}

const WAYS = [
  { what: `downloading NATS server ${PINS.download.version}`, get: () => downloadRelease() },
  { what: `building NATS server ${PINNED_VERSION} with Go (about a minute)`, get: buildWithGo },
  { what: "unpacking the distribution's NATS server", get: unpackDebianPackage },
];

/** The first line of a failure: programs print pages, and a person needs the reason. */
function reason(error) {
  const text = String(error.stderr || error.cause?.message || error.message).trim();
  return text.split('\n').find((line) => /error|E:|fail|refus|no such/i.test(line)) ?? text.split('\n')[0];
}

/**
 * A NATS server, fetched when there is none.
 * @param {(line: string) => void} say told what is being done, and why a way did not work
 */
export async function ensureNatsServer(say = () => {}) {
  const [found] = natsServers();
  if (found) return found;
  const failures = [];
  for (const { what, get } of WAYS) {
    try {
      say(what);
      return await get();
    } catch (error) {
      failures.push(`  ${what}: ${reason(error)}`);
      say(`did not work: ${reason(error)}`);
    }
  }
  throw new Error(
    [
      `No NATS server could be had. Install nats-server ${FLOOR_VERSION} or newer (Debian: apt-get install nats-server), put it on the`,
      'PATH or name it in OPENWARD_NATS_SERVERS, and run this again. What was tried:',
      ...failures,
    ].join('\n'),
  );
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    if (process.argv.includes('--list')) {
      for (const { path, version } of natsServers()) console.log(`${version}\t${path}`);
    } else if (process.argv.includes('--package')) {
      console.log((await unpackDebianPackage()).path);
    } else {
      console.log((await ensureNatsServer((line) => console.error(line))).path);
    }
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
