#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const built = new URL('../dist/main.js', import.meta.url);
if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(
    `openward: it needs Node 24, and this is ${process.versions.node}.\n  next: Run it as \`npx openward …\`, which takes the Node 24 that is among the dependencies.\n`,
  );
  process.exitCode = 1;
} else if (existsSync(fileURLToPath(built))) {
  await import(built.href);
} else {
  process.stderr.write(
    'openward: it is not built yet.\n  next: Run `npm run demo` or `npm test` once, which build it, or `npx tsc -b`.\n',
  );
  process.exitCode = 1;
}
