import { offersOf, type NodeState, type Offer } from '@openward/activation';
import { artifactsOf, type Assignment, type Digest } from '@openward/contracts';

/** An offer, and what of its `bytes` is in no whole file on this disk: at most so much comes over the line. */
export interface OfferHere extends Offer {
  readonly missingBytes: number;
}

/** Two releases share whole files, as those that differ in their policy alone. What parts of a file are here is known when it comes. */
export async function missingBytes(
  assignment: Assignment,
  isHere: (file: Digest) => Promise<boolean>,
): Promise<number> {
  const files = new Map(artifactsOf(assignment).map(({ file, size }) => [file, size]));
  let missing = 0;
  for (const [file, size] of files) if (!(await isHere(file))) missing += size;
  return missing;
}

export async function offersHere(
  state: NodeState,
  missing: (assignment: Assignment) => Promise<number>,
): Promise<readonly OfferHere[]> {
  return Promise.all(
    offersOf(state).map(async (offer) => {
      const assignment = state.durable.services[offer.service]?.attempt?.assignment;
      return { ...offer, missingBytes: assignment === undefined ? offer.bytes : await missing(assignment) };
    }),
  );
}
