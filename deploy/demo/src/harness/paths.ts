import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The repository's root, wherever this file was built to. */
export const ROOT = ((): string => {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'nest-cli.json'))) folder = dirname(folder);
  return folder;
})();

export const CONTROL_PLANE = join(ROOT, 'apps/control-plane/dist/main.js');
export const AGENT = join(ROOT, 'apps/edge-agent/dist/main.js');
export const CLI = process.env['OPENWARD_CLI'] ?? join(ROOT, 'apps/cli/bin/openward.js');
export const DEMO = join(ROOT, 'deploy/demo');
