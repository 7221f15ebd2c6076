import { artifactsOf, type Assignment, type WindowRule } from '@openward/contracts';
import type { Now } from './events.ts';
import type { Attempt, Held, Progress, SiteRules, StandingRule } from './model.ts';

// N2: a hospital's two rules. With no standing rule both questions wait for a person.

/** `closed`: a standing rule allows it, at another hour. `ask`: only a person can. */
export type Leave = 'open' | 'closed' | 'ask';

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const DAY = 24 * 60;
const WEEK = 7 * DAY;

const minutes = (clock: string): number => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3));

/** None is always. A window that ends at or before its start ends on the next day. */
export function isWithin(windows: readonly WindowRule[], minuteOfWeek: number): boolean {
  if (windows.length === 0) return true;
  return windows.some(({ days, from, to }) =>
    days.some((day) => {
      const start = DAYS.indexOf(day) * DAY + minutes(from);
      const length = (minutes(to) - minutes(from) + DAY) % DAY || DAY;
      return (minuteOfWeek - start + WEEK) % WEEK < length;
    }),
  );
}

/** Of every file that the assignment would fetch. */
export const bytesOf = (assignment: Assignment): number =>
  artifactsOf(assignment).reduce((sum, { size }) => sum + size, 0);

function covers(rule: StandingRule, assignment: Assignment, isChangeKnown: boolean): boolean {
  if (rule.services && !rule.services.includes(assignment.service)) return false;
  if (rule.changes && !(isChangeKnown && rule.changes.includes(assignment.release.change))) return false;
  return rule.maxBytes === undefined || bytesOf(assignment) <= rule.maxBytes;
}

function leaveByRule(
  rules: readonly StandingRule[],
  { assignment, progress }: Attempt,
  active: Held | null,
  now: Now,
): Leave {
  const covering = rules.filter((rule) => covers(rule, assignment, !isStale(progress, active)));
  if (covering.some((rule) => isWithin(rule.hours ?? [], now.minuteOfWeek))) return 'open';
  return covering.length > 0 ? 'closed' : 'ask';
}

/**
 * Whether the class of change is from another release than the one that serves now: the site went back, or a recall took what
 * served. It says nothing then of what would change here, and no rule that names classes was meant for it.
 */
export const isStale = (progress: Progress, active: Held | null): boolean =>
  (progress.at === 'staged' || progress.at === 'evaluated') && progress.against !== (active?.release ?? null);

/** To fetch, verify and evaluate. A person's answer holds at any hour: that person looked at the clock. */
export const leaveToPrepare = (rules: SiteRules, attempt: Attempt, active: Held | null, now: Now): Leave =>
  attempt.consent.prepare !== null ? 'open' : leaveByRule(rules.prepare, attempt, active, now);

/** To let a result that is no fail leave, and to serve. A held result waits for its person, whatever stands (N2). */
export function leaveToActivate(rules: SiteRules, attempt: Attempt, active: Held | null, now: Now): Leave {
  const { consent } = attempt;
  if (consent.activate) return 'open';
  return consent.prepare?.holdResult === true ? 'ask' : leaveByRule(rules.activate, attempt, active, now);
}

export const isDeferred = ({ consent }: Attempt, now: Now): boolean =>
  consent.deferUntil !== null && now.wall < consent.deferUntil;
