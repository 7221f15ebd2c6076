// Which servers are good enough, and for what. Pure. Sources: the advisories of nats-io, read up to June 2026, and the power
// cuts that were simulated for this project (docs/operations).

/** The oldest server on which every function works. */
export const FLOOR_VERSION = '2.9.10';
/** Below it an operator-mode server can be crashed by whoever reaches its port (secnote 2026-23, 2026-27, 2026-28). */
export const PUBLIC_FLOOR = '2.14.3';
/** The same fixes in the older line. */
const PUBLIC_FLOOR_2_12 = '2.12.12';
/** From here on the server can sync each write before it acknowledges it. */
export const SYNC_ALWAYS_SINCE = '2.10.0';
/** From here on a durable whose stream came back shorter starts anew by itself. The first such version is not known; this one does. */
export const REGRESS_HEALED_SINCE = '2.15.0';

export interface ServerPosture {
  readonly listener: 'loopback' | 'private' | 'public';
  /** Clients show a certificate before the server reads anything else of them. */
  readonly mutualTls: boolean;
  readonly allowUnsafeVersion: boolean;
  /** `always`: the server syncs each write. Else the operator says what the store stands on. */
  readonly durability: 'always' | 'fs-sync' | 'best-effort';
}

export type ServerJudgement =
  | { readonly refused: string }
  | { readonly accepted: true; readonly warnings: readonly string[] };

/** Negative when `a` is the older one. A pre-release counts as its release; what is no version counts as the oldest. */
export function compareVersions(a: string, b: string): number {
  const numbers = (version: string): number[] => {
    const found = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version);
    return found ? found.slice(1).map(Number) : [0, 0, 0];
  };
  const [left, right] = [numbers(a), numbers(b)];
  for (let at = 0; at < 3; at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

export const isAtLeast = (version: string, floor: string): boolean => compareVersions(version, floor) >= 0;

const isSafeInPublic = (version: string): boolean =>
  isAtLeast(version, PUBLIC_FLOOR) || (/^v?2\.12\./.test(version) && isAtLeast(version, PUBLIC_FLOOR_2_12));

/** Whether the network may run on this server. A refusal says what to do. */
export function judgeServer(version: string, posture: ServerPosture): ServerJudgement {
  if (!isAtLeast(version, FLOOR_VERSION))
    return { refused: `NATS server ${version} is too old: install ${FLOOR_VERSION} or newer, best 2.15.` };
  const warnings: string[] = [];
  if (!isSafeInPublic(version) && posture.listener !== 'loopback') {
    const flaw = `NATS server ${version} can be crashed by anyone who reaches its port`;
    if (posture.listener === 'public' && !(posture.mutualTls && posture.allowUnsafeVersion))
      return {
        refused: `${flaw}: install ${PUBLIC_FLOOR} (or ${PUBLIC_FLOOR_2_12} in its line) or newer for a public listener. Only with client certificates required may nats.allowUnsafeVersion overrule this.`,
      };
    warnings.push(`${flaw}; install ${PUBLIC_FLOOR} or newer.`);
  }
  if (posture.durability === 'always' && !isAtLeast(version, SYNC_ALWAYS_SINCE))
    return {
      refused: `NATS server ${version} cannot sync each write: install 2.10 or newer, or set nats.durability to fs-sync (a store on a mount with -o sync) or best-effort (PostgreSQL still holds all that was committed).`,
    };
  if (posture.durability === 'best-effort')
    warnings.push('A power cut can lose what NATS acknowledged in the last minutes; nodes send it again.');
  return { accepted: true, warnings };
}
