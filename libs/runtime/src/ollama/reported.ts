import type { LoadRequest } from '../port.ts';
import { RuntimeRefusal } from '../refusal.ts';

export interface ReportedDigests {
  readonly base: string;
  readonly adapter?: string;
}

/**
 * The digests of weights and adapter that Ollama says a model is made of, read from the names of the blobs in its
 * modelfile; nothing where it says them in no form that is known, or names several.
 */
export function digestsIn(modelfile: string): ReportedDigests | undefined {
  const bases = named(modelfile, 'FROM');
  const adapters = named(modelfile, 'ADAPTER');
  const [base] = bases;
  if (base === undefined || bases.length > 1 || adapters.length > 1) return undefined;
  const [adapter] = adapters;
  return adapter === undefined ? { base } : { base, adapter };
}

function named(modelfile: string, instruction: string): string[] {
  const line = new RegExp(`^${instruction}[ \\t].*sha256[-:]([0-9a-f]{64})[ \\t\\r]*$`, 'gm');
  return [...modelfile.matchAll(line)].map(([, hex]) => `sha256:${hex}`);
}

export const isWhatWasAsked = (reported: ReportedDigests | undefined, { base, adapter }: LoadRequest): boolean =>
  reported !== undefined && reported.base === base.digest && reported.adapter === adapter?.digest;

export const otherBytes = (reported: ReportedDigests | undefined, { base, adapter }: LoadRequest): RuntimeRefusal => {
  const wanted = [base.digest, adapter?.digest].filter(Boolean).join(' with ');
  const has = reported && [reported.base, reported.adapter].filter(Boolean).join(' with ');
  return new RuntimeRefusal(
    'digestMismatch',
    `Ollama reports ${has ?? 'no digest'} for a model made from ${wanted}. Ollama from 0.30 rewrites what it is given; use a version that is tested.`,
  );
};
