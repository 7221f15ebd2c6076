#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const built = new URL('../dist/main.js', import.meta.url);
if (existsSync(fileURLToPath(built))) {
  await import(built.href);
} else {
  process.stderr.write(
    'openward: it is not built yet.\n  next: Run `npm run demo` or `npm test` once, which build it, or `npx tsc -b`.\n',
  );
  process.exitCode = 1;
}
