// What a soak makes of the requests since the probe (R3). Pure; the counts never leave the gateway.

/**
 * What became of one application's requests. `refusals`: the release's policy refused them, and the release before would have taken
 * them. Failures and refusals are among `requests`.
 */
export interface Asked {
  readonly requests: number;
  readonly failures: number;
  readonly refusals: number;
}

export interface SoakShare {
  readonly errorShare: number;
  readonly minRequests: number;
}

/**
 * Refusals count like failures, or a policy that refuses every clinic would pass for one that nobody asked. But a single application
 * must not decide for all: where the others have sent enough to tell by themselves, the refusals of the one that was refused most
 * are left out. Its failures never are, since no request makes a release fail.
 */
export function judgeSoak(applications: readonly Asked[], limits: SoakShare): 'ok' | 'over' | 'tooFewRequests' {
  const all = sum(applications);
  if (all.requests < limits.minRequests) return 'tooFewRequests';
  if (!isOver(all, limits)) return 'ok';
  const most = applications.reduce((worst, one) => (one.refusals > worst.refusals ? one : worst));
  if (all.requests - most.requests < limits.minRequests) return 'over';
  const spared = { ...all, requests: all.requests - most.refusals, refusals: all.refusals - most.refusals };
  return isOver(spared, limits) ? 'over' : 'ok';
}

const isOver = ({ requests, failures, refusals }: Asked, { errorShare }: SoakShare): boolean =>
  (failures + refusals) / requests > errorShare;

const sum = (applications: readonly Asked[]): Asked =>
  applications.reduce(
    (all, { requests, failures, refusals }) => ({
      requests: all.requests + requests,
      failures: all.failures + failures,
      refusals: all.refusals + refusals,
    }),
    { requests: 0, failures: 0, refusals: 0 },
  );
