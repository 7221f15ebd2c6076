/**
 * Builds an Ollama from the Go module proxy into the cache folder, for tests and the demo.
 *
 *   node libs/testkit/src/ollama/install.ts [version]
 *
 * 0.10.1 builds as it is (four minutes on two cores), for this machine's own processor. Later modules lack headers that Go leaves out of a module; where
 * Debian's packages and a PyPI source package can be had, they are unpacked beside it, and nothing is installed. From 0.30
 * on the engine is no part of the module, so such a server cannot infer.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

import { cacheFolder, compareVersions } from '../../../../scripts/nats-server.mjs';
import { findOllama, shelfOf, type OllamaProgram } from './find.ts';

const run = promisify(execFile);

/** The version that builds everywhere. */
export const PLAIN_VERSION = '0.10.1';
/** The newest that is tested, and safe by the list of N8. */
export const NEWER_VERSION = '0.24.0';

const NEEDS_HEADERS_FROM = '0.11.0';
const CANNOT_INFER_FROM = '0.30.0';

/** The version, built where it is not at hand. */
export async function ensureOllama(version = PLAIN_VERSION): Promise<OllamaProgram> {
  const found = await findOllama(version);
  if (found !== undefined) return found;
  if (compareVersions(version, CANNOT_INFER_FROM) >= 0) {
    throw new Error(`Ollama ${version} built by go install cannot infer; install it from its makers.`);
  }
  await mkdir(cacheFolder(), { recursive: true });
  const draft = await mkdtemp(join(cacheFolder(), '.ollama-draft-'));
  try {
    const flags = compareVersions(version, NEEDS_HEADERS_FROM) < 0 ? {} : await unpackHeaders(join(draft, 'headers'));
    await build(version, join(draft, 'bin'), flags);
    await rename(join(draft, 'bin'), shelfOf(version));
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  const built = await findOllama(version);
  if (built === undefined) throw new Error(`Ollama ${version} was built but does not run here.`);
  return built;
}

async function build(version: string, into: string, flags: NodeJS.ProcessEnv): Promise<void> {
  const stamp = `-X=github.com/ollama/ollama/version.Version=${version}`;
  // Without this the engine knows no vector instructions, and reads a prompt ten times slower.
  const native =
    process.platform === 'linux' ? { CGO_CFLAGS: '-O3 -march=native', CGO_CXXFLAGS: '-O3 -march=native' } : {};
  const jobs = String(Math.max(1, availableParallelism()));
  const args = ['-n', '10', 'go', 'install', '-p', jobs, '-ldflags', stamp, `github.com/ollama/ollama@v${version}`];
  await run('nice', args, {
    env: { ...process.env, ...native, ...flags, GOBIN: into },
    timeout: 1_800_000,
    maxBuffer: 1 << 26,
  });
}

/** The headers that the module lacks: nlohmann/json and stb of Debian, miniaudio of a PyPI source package. */
async function unpackHeaders(into: string): Promise<NodeJS.ProcessEnv> {
  await mkdir(into, { recursive: true });
  await run('apt-get', ['download', 'nlohmann-json3-dev', 'libstb-dev'], { cwd: into, timeout: 300_000 });
  const source = ['-m', 'pip', 'download', '--no-deps', '--no-binary', ':all:', 'miniaudio==1.71'];
  await run('python3', source, { cwd: into, timeout: 300_000 });
  for (const name of await readdir(into)) {
    if (name.endsWith('.deb')) await run('dpkg', ['-x', name, 'deb'], { cwd: into });
    if (name.endsWith('.tar.gz')) await run('tar', ['-xzf', name], { cwd: into });
  }
  const audio = (await readdir(into)).find((name) => name.startsWith('miniaudio-') && !name.endsWith('.tar.gz'));
  if (audio === undefined) throw new Error('the source package of miniaudio did not arrive');
  const folders = ['deb/usr/include', audio];
  return { CGO_CPPFLAGS: folders.map((folder) => `-I${join(into, folder)}`).join(' ') };
}

if (basename(process.argv[1] ?? '') === basename(import.meta.filename)) {
  const { path, version } = await ensureOllama(process.argv[2]);
  console.log(`${version}\t${path}`);
}
