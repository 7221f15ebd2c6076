import { readFileSync } from 'node:fs';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

// What stands on a command line, as values. Everything that the server checks is left to it.

/** `tier=district,primary`, given once for each label. */
export function parseSelector(given: readonly string[]): Record<string, string[]> {
  const labels: Record<string, string[]> = {};
  for (const text of given) {
    const [name, values] = pairOf(text, '--select', 'tier=district,primary');
    (labels[name] ??= []).push(...values.split(','));
  }
  return labels;
}

export function parseLabels(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(given.map((text) => pairOf(text, '--label', 'region=north')));
}

function pairOf(text: string, option: string, example: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1 || at === text.length - 1) {
    throw new UsageError(`${option} ${text} is not of the form name=value.`, `Write it like ${option} ${example}.`);
  }
  return [text.slice(0, at), text.slice(at + 1)];
}

export type Wave =
  | { by: 'sites'; sites: string[] }
  | { by: 'labels'; labels: Record<string, string[]> }
  | { by: 'count'; count: number }
  | { by: 'percent'; percent: number }
  | { by: 'rest' };

/** `rest`, `sites:a,b`, `labels:tier=district`, `count:2`, `percent:10`. */
export function parseWave(text: string): Wave {
  const [by = '', value = ''] = text.split(/:(.*)/s);
  if (by === 'rest' && value === '') return { by };
  if (value !== '') {
    switch (by) {
      case 'sites':
        return { by, sites: value.split(',') };
      case 'labels':
        return { by, labels: parseSelector(value.split(';')) };
      case 'count':
        return { by, count: parseNumber(value, '--wave count:') };
      case 'percent':
        return { by, percent: parseNumber(value, '--wave percent:') };
    }
  }
  throw new UsageError(
    `--wave ${text} names no wave.`,
    'Write rest, sites:a,b, labels:tier=district, count:2 or percent:10.',
  );
}

export function parseNumber(text: string, option: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) {
    throw new UsageError(`${option} ${text} is not a number.`, `Write digits, like ${option} 20.`);
  }
  return value;
}

/** A whole number from 1, such as a limit, a number of a release or of a wave. */
export function parseCount(text: string, option: string): number {
  const value = parseNumber(text, option);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new UsageError(`${option} ${text} is no whole number from 1.`, `Write it like ${option} 20.`);
  return value;
}

/** A rollout's id, so that a slip is told here and in these words. */
export function parseRollout(text: string): string {
  if (/^ro-[a-z0-9]{8,32}$/.test(text)) return text;
  throw new UsageError(
    `${text} is no rollout's id.`,
    'Write it as `openward rollouts list` names it, such as ro-4k2m9x7q1z8c.',
  );
}

/** A plan's hash, whole. */
export function parseHash(text: string, option: string): string {
  if (/^sha256:[0-9a-f]{64}$/.test(text)) return text;
  throw new UsageError(
    `${option} ${text} is no hash of a plan.`,
    'Give the whole of what `openward rollouts plan` prints last: sha256: and 64 lower-case hexadecimal digits.',
  );
}

const MS = { ms: 1, s: 1000, min: 60_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `500ms`, `12s`, `30min`, `24h`, `2d`, as milliseconds. */
export function parseDuration(text: string, option: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|min|m|h|d)$/.exec(text) ?? [];
  if (number === undefined) {
    throw new UsageError(`${option} ${text} is not a length of time.`, 'Write it like 500ms, 12s, 30min, 24h or 2d.');
  }
  return Math.round(Number(number) * MS[unit as keyof typeof MS]);
}

/** An instant with its zone, `2026-03-31T08:00Z`, or a length of time from now, `+2h`; as milliseconds since 1970. */
export function parseUntil(text: string, now: number): number {
  if (text.startsWith('+')) return now + parseDuration(text.slice(1), '--until');
  const at = /T.*(Z|[+-]\d{2}:\d{2})$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) {
    throw new UsageError(`--until ${text} is no instant.`, 'Write it like 2026-03-31T08:00Z, or +2h.');
  }
  if (at <= now) throw new UsageError(`--until ${text} is past.`, 'Name a time that is to come.');
  return at;
}

/** `256MiB`, `4GB`, `1000`: bytes. */
export function parseBytes(text: string, option: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*([kMGT]i?)?B?$/.exec(text) ?? [];
  if (number === undefined) throw new UsageError(`${option} ${text} is not a size.`, 'Write it like 256MiB or 4GB.');
  const step = unit.endsWith('i') ? 1024 : 1000;
  return Math.round(Number(number) * step ** ' kMGT'.indexOf(unit.charAt(0) || ' '));
}

/** `12Mbit` or `1.5MB`, a second: bytes a second. */
export function parseRate(text: string): number {
  const [, bits] = /^(.+)bit$/.exec(text) ?? [];
  return bits === undefined ? parseBytes(text, '--link') : Math.round(parseBytes(bits, '--link') / 8);
}

/** `name@version`. */
export function parseVersioned(text: string, option: string): { name: string; version: string } {
  const at = text.indexOf('@');
  if (at < 1 || at === text.length - 1) {
    throw new UsageError(`${option} ${text} is not of the form NAME@VERSION.`, `Write it like ${option} triage@1.`);
  }
  return { name: text.slice(0, at), version: text.slice(at + 1) };
}

/** A file's text; `-` is standard input. */
export async function readText(path: string, terminal: Pick<Terminal, 'readStdin'>): Promise<string> {
  if (path === '-') return terminal.readStdin();
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UsageError(
      `${path} cannot be read: ${code === 'ENOENT' ? 'there is no such file' : message}.`,
      'Check the path.',
    );
  }
}

export async function readJson(path: string, terminal: Pick<Terminal, 'readStdin'>): Promise<unknown> {
  const text = await readText(path, terminal);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new UsageError(`${path} is not JSON: ${(error as Error).message}.`, 'Correct the file.');
  }
}
