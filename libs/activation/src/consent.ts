import { artifactsOf, type Assignment, type WindowRule } from '@openward/contracts';
import type { Now } from './events.ts';
import type { Attempt, SiteRules, StandingRule } from './model.ts';

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

function covers(rule: StandingRule, assignment: Assignment): boolean {
  if (rule.services && !rule.services.includes(assignment.service)) return false;
  if (rule.changes && !rule.changes.includes(assignment.release.change)) return false;
  return rule.maxBytes === undefined || bytesOf(assignment) <= rule.maxBytes;
}

function leaveByRule(rules: readonly StandingRule[], assignment: Assignment, now: Now): Leave {
  const covering = rules.filter((rule) => covers(rule, assignment));
  if (covering.some((rule) => isWithin(rule.hours ?? [], now.minuteOfWeek))) return 'open';
  return covering.length > 0 ? 'closed' : 'ask';
}

/** To fetch, verify and evaluate. A person's answer holds at any hour: that person looked at the clock. */
export const leaveToPrepare = (rules: SiteRules, { assignment, consent }: Attempt, now: Now): Leave =>
  consent.prepare !== null ? 'open' : leaveByRule(rules.prepare, assignment, now);

/** To let a result that is no fail leave, and to serve. A held result waits for its person, whatever stands (N2). */
export function leaveToActivate(rules: SiteRules, { assignment, consent }: Attempt, now: Now): Leave {
  if (consent.activate) return 'open';
  return consent.prepare?.holdResult === true ? 'ask' : leaveByRule(rules.activate, assignment, now);
}

export const isDeferred = ({ consent }: Attempt, now: Now): boolean =>
  consent.deferUntil !== null && now.wall < consent.deferUntil;
