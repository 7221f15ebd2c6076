import type { JudgeLimits } from '@openward/activation';

// What a soak makes of the requests since the probe (R3). Pure; the counts never leave the gateway.

/**
 * What became of one application's requests. `failures`: of the runtime, or of the gateway. `policyFailures`: a rule could not be
 * applied. `refusals`: the release's policy refused them, and the release before would have taken them. All are among `requests`.
 */
export interface Asked {
  readonly requests: number;
  readonly failures: number;
  readonly policyFailures: number;
  readonly refusals: number;
}

/** More than this share of an application's own requests tells by itself: for that application the release does not work. */
const MOST_OF_ONE = 0.5;

type Verdict = 'ok' | 'over' | 'tooFewRequests';

/**
 * Failures of the runtime end a soak whenever they are seen. What the policy did counts at its end alone: which rule fails, and when,
 * hangs on the words of a question, and the network sees when a soak ends.
 *
 * Refusals count like failures, or a policy that refuses every clinic would pass for one that nobody asked. But an application that is
 * refused now and then must not decide for all: where the others have sent enough to tell by themselves, the refusals of the one that
 * was refused most are left out. One for which most requests fail or are refused is not outvoted by others that send more.
 */
export function judgeSoak(applications: readonly Asked[], limits: JudgeLimits): Verdict {
  const asked = limits.final ? applications : applications.map(withoutPolicy);
  const all = sum(asked);
  if (all.requests < limits.minRequests) return 'tooFewRequests';
  if (asked.some((one) => one.requests >= limits.minRequests && isOver(one, { ...limits, errorShare: MOST_OF_ONE })))
    return 'over';
  if (!isOver(all, limits)) return 'ok';
  const most = asked.reduce((worst, one) => (one.refusals > worst.refusals ? one : worst));
  if (all.requests - most.requests < limits.minRequests) return 'over';
  const spared = { ...all, requests: all.requests - most.refusals, refusals: all.refusals - most.refusals };
  return isOver(spared, limits) ? 'over' : 'ok';
}

const withoutPolicy = (one: Asked): Asked => ({ ...one, policyFailures: 0, refusals: 0 });

function isOver(asked: Asked, { errorShare, minFailed }: JudgeLimits): boolean {
  const failed = asked.failures + asked.policyFailures + asked.refusals;
  return failed >= minFailed && failed / asked.requests > errorShare;
}

const NOBODY: Asked = { requests: 0, failures: 0, policyFailures: 0, refusals: 0 };

const sum = (applications: readonly Asked[]): Asked =>
  applications.reduce(
    (all, one) => ({
      requests: all.requests + one.requests,
      failures: all.failures + one.failures,
      policyFailures: all.policyFailures + one.policyFailures,
      refusals: all.refusals + one.refusals,
    }),
    NOBODY,
  );

/** What became of one request. `left`: it says nothing of the release. */
export type Ended = 'ok' | 'failed' | 'policyFailed' | 'refused' | 'left';

export function counted(before: Asked | undefined, outcome: Exclude<Ended, 'left'>): Asked {
  const { requests, failures, policyFailures, refusals } = before ?? NOBODY;
  return {
    requests: requests + 1,
    failures: failures + (outcome === 'failed' ? 1 : 0),
    policyFailures: policyFailures + (outcome === 'policyFailed' ? 1 : 0),
    refusals: refusals + (outcome === 'refused' ? 1 : 0),
  };
}
