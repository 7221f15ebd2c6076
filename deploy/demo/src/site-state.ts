import type { SiteWorld } from './harness/index.ts';

// What hospital IT could read on a node.

interface Fetched {
  readonly file: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly reusedBytes: number;
}

const statusOf = (site: SiteWorld) =>
  site.local<{ fetches: Fetched[]; fetchedBytes: number; modelLoads: Record<string, number> }>('GET', '/status');
export const fetchedBytes = async (site: SiteWorld): Promise<number> => (await statusOf(site)).fetchedBytes;

/** How often its runtime has loaded one of these files since the agent's start. */
export async function loadsOf(site: SiteWorld, files: readonly string[]): Promise<number> {
  const { modelLoads } = await statusOf(site);
  return files.reduce((sum, file) => sum + (modelLoads[file] ?? 0), 0);
}

/** Weights are on the way, and neither all here nor hardly begun. */
export const isFetchingHalf = async (site: SiteWorld): Promise<boolean> =>
  (await statusOf(site)).fetches.some(
    ({ doneBytes, totalBytes }) => totalBytes > 500_000 && doneBytes > totalBytes * 0.2 && doneBytes < totalBytes * 0.9,
  );

export async function stateOf(site: SiteWorld): Promise<{ readonly lastGood: number | null }> {
  const { serving, report } = await site.local<{
    serving: { service: string; release: string | null; number: number | null }[];
    report: { services: { lastGood: string | null; active: string | null }[] };
  }>('GET', '/status');
  const [service] = report.services;
  const isCommitted = service !== undefined && service.lastGood !== null && service.lastGood === service.active;
  return { lastGood: isCommitted ? (serving[0]?.number ?? null) : null };
}
