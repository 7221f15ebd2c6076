import { randomUUID } from 'node:crypto';
import type { Client, ClientOptions } from '@openward/client';

/** The API of the control plane, on this machine's clock and chance. Loaded when it is first used, so that `--help` is fast. */
export async function openClient(access: ClientOptions): Promise<Client> {
  const { createClient } = await import('@openward/client');
  return createClient(access, { newKey: () => randomUUID(), monotonic: () => performance.now() });
}
