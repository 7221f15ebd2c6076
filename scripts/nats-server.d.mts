export interface NatsServer {
  readonly path: string;
  readonly version: string;
}
export const PINNED_VERSION: string;
export const FLOOR_VERSION: string;
export function cacheFolder(): string;
export function compareVersions(a: string, b: string): number;
export function natsServers(): NatsServer[];
export function ensureNatsServer(say?: (line: string) => void): Promise<NatsServer>;
export function downloadRelease(
  pin?: { readonly version: string; readonly sha256: Readonly<Record<string, string>> },
  from?: string,
): Promise<NatsServer>;
