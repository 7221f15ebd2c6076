import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, type } from 'node:os';

/** Where it was measured, so that figures of two runs are not compared as if it were one machine. */
export function describeMachine(natsVersion: string): { readonly what: string; readonly is: string }[] {
  const all = cpus();
  return [
    { what: 'processor', is: `${all[0]?.model.trim() ?? 'unknown'}, ${all.length} cores` },
    { what: 'memory', is: `${Math.round(totalmem() / 2 ** 30)} GiB` },
    { what: 'system', is: `${distribution()}${type()} ${release()}, ${process.arch}` },
    { what: 'Node', is: process.versions.node },
    { what: 'NATS server', is: natsVersion },
    { what: 'clients', is: ['@nats-io/transport-node', '@nats-io/obj', 'undici'].map(withVersion).join(', ') },
  ];
}

/** Waiting and running processes, averaged over a minute; the bench itself is among them. */
export const load = (): string => (loadavg()[0] ?? 0).toFixed(1);

function distribution(): string {
  try {
    const name = /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
    return name === undefined ? '' : `${name}, `;
  } catch {
    return '';
  }
}

function withVersion(name: string): string {
  const path = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
  return `${name} ${version}`;
}
