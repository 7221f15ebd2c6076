/** Ollama under this has CVE-2026-7482 open (N8). */
export const FIRST_SAFE = '0.17.1';

/** What the contract test was run against. */
export const TESTED = ['0.10.1', '0.24.0'] as const;

export const isTested = (version: string): boolean => (TESTED as readonly string[]).includes(version);

/** A pre-release comes before its release; what is no version is not known to be safe. `0.0.0` is a build without one. */
export function isKnownSafe(version: string): boolean {
  const parsed = /^v?(\d+)\.(\d+)\.(\d+)(-.+)?$/.exec(version);
  if (parsed === null) return false;
  const numbers = parsed.slice(1, 4).map(Number);
  for (const [index, least] of FIRST_SAFE.split('.').map(Number).entries()) {
    const number = numbers[index] ?? 0;
    if (number !== least) return number > least;
  }
  return parsed[4] === undefined;
}
