import type { Assignment, AssignmentId, DesiredState, Digest, Name } from '@openward/contracts';
import type {
  Attempt,
  Chain,
  Consent,
  Durable,
  End,
  EvaluationResult,
  Held,
  Progress,
  ServiceRecord,
  SiteRules,
  Watch,
} from './model.ts';

// The journal's entries, and what each of them changes. This is the only way in which `Durable` changes: what a restart
// reads back is what the node knew, up to the last entry that was synced.

interface On<K extends string> {
  readonly kind: K;
  readonly service: Name;
}

export type Entry =
  | { readonly kind: 'desired'; readonly doc: DesiredState }
  | { readonly kind: 'rules'; readonly rules: SiteRules }
  | { readonly kind: 'suiteAccepted'; readonly suite: Digest; readonly tooFewItems: boolean }
  | (On<'begun'> & { readonly assignment: Assignment })
  | (On<'answered'> & { readonly consent: Consent })
  | (On<'staged'> & { readonly held: Held; readonly against: Digest | null })
  | (On<'chained'> & { readonly key: string; readonly chain: Chain })
  | (On<'evaluated'> & { readonly result: EvaluationResult })
  /** The site has changed its terms since, and nothing of the result has left: it is evaluated again, and asked again. */
  | On<'outdated'>
  /** The evidence is in the ledger and the outbox. */
  | On<'disclosed'>
  /** R4: the one entry that makes the switch. */
  | (On<'activated'> & { readonly before: Held | null; readonly target: Held | null })
  | (On<'watched'> & { readonly watch: Watch })
  | On<'committed'>
  | On<'completed'>
  | (On<'goingBack'> & { readonly to: Held | null; readonly end: End })
  | (On<'ended'> & { readonly end: End })
  /** What is served changes with no attempt to tell of it: a recall, or a person's own step back. */
  | (On<'moved'> & { readonly to: Held | null; readonly why: 'recalled' | 'rolledBackBySite' })
  | (On<'halted'> & { readonly halted: boolean })
  | (On<'pinned'> & { readonly pinned: boolean })
  /** Everything before it may be dropped. */
  | { readonly kind: 'checkpoint'; readonly durable: Durable };

export const NOTHING_KNOWN: Durable = {
  generation: null,
  desired: null,
  services: {},
  rules: { prepare: [], activate: [] },
  suites: {},
  recalled: [],
};

export const EMPTY_RECORD: ServiceRecord = {
  active: null,
  lastGood: null,
  anchor: null,
  halted: false,
  pinned: false,
  attempt: null,
  past: [],
};

const UNANSWERED: Consent = { prepare: null, activate: false, deferUntil: null, waiver: null };
export const UNWATCHED: Watch = { probed: false, soakedMs: 0, restarts: 0, soak: 'running' };
const PAST = 256;

export const replay = (entries: readonly Entry[]): Durable => entries.reduce(applyEntry, NOTHING_KNOWN);

export function applyEntry(known: Durable, entry: Entry): Durable {
  switch (entry.kind) {
    case 'checkpoint':
      return entry.durable;
    case 'desired':
      return {
        ...known,
        generation: entry.doc.generation,
        desired: entry.doc,
        recalled: [...new Set([...known.recalled, ...entry.doc.recalled])],
        services: withServicesOf(known, entry.doc),
      };
    case 'rules':
      return { ...known, rules: entry.rules };
    case 'suiteAccepted':
      return { ...known, suites: { ...known.suites, [entry.suite]: { tooFewItems: entry.tooFewItems } } };
    case 'begun':
    case 'answered':
    case 'staged':
    case 'chained':
    case 'evaluated':
    case 'outdated':
    case 'disclosed':
    case 'activated':
    case 'watched':
    case 'committed':
    case 'completed':
    case 'goingBack':
    case 'ended':
    case 'moved':
    case 'halted':
    case 'pinned': {
      const record = known.services[entry.service] ?? EMPTY_RECORD;
      return { ...known, services: { ...known.services, [entry.service]: applyToService(record, entry) } };
    }
  }
}

/** A service is known from the first document that names it. An attempt keeps its assignment, and takes over its phase. */
function withServicesOf(known: Durable, doc: DesiredState): Durable['services'] {
  const services: Record<Name, ServiceRecord> = { ...known.services };
  for (const { service, assignment } of doc.services) {
    const record = services[service] ?? EMPTY_RECORD;
    const { attempt } = record;
    services[service] =
      attempt !== null && assignment !== null && attempt.assignment.id === assignment.id
        ? { ...record, attempt: { ...attempt, assignment: { ...attempt.assignment, phase: assignment.phase } } }
        : record;
  }
  return services;
}

type ServiceEntry = Extract<Entry, { readonly service: Name }>;

function applyToService(record: ServiceRecord, entry: ServiceEntry): ServiceRecord {
  switch (entry.kind) {
    case 'halted':
      return { ...record, halted: entry.halted };
    case 'pinned':
      return { ...record, pinned: entry.pinned };
    case 'moved':
      return { ...record, active: entry.to };
    case 'begun':
      return {
        ...record,
        past: record.attempt === null ? record.past : remember(record.past, record.attempt.assignment.id),
        attempt: { assignment: entry.assignment, consent: UNANSWERED, progress: { at: 'offered' } },
      };
    case 'chained':
      return chained(record, entry.key, entry.chain);
    case 'answered':
    case 'staged':
    case 'evaluated':
    case 'outdated':
    case 'disclosed':
    case 'activated':
    case 'watched':
    case 'committed':
    case 'completed':
    case 'goingBack':
    case 'ended':
      if (record.attempt === null) throw new Error(`a journal entry ${entry.kind} with no attempt of ${entry.service}`);
      return applyToAttempt(record, record.attempt, entry);
  }
}

type AttemptEntry = Exclude<ServiceEntry, { readonly kind: 'halted' | 'pinned' | 'moved' | 'begun' | 'chained' }>;

function applyToAttempt(record: ServiceRecord, attempt: Attempt, entry: AttemptEntry): ServiceRecord {
  const to = (progress: Progress, rest: Partial<ServiceRecord> = {}): ServiceRecord => ({
    ...record,
    ...rest,
    attempt: { ...attempt, progress },
  });
  const { progress } = attempt;
  const wrong = (): never => {
    throw new Error(`a journal entry ${entry.kind} of ${entry.service} after ${progress.at}`);
  };
  switch (entry.kind) {
    case 'answered':
      return { ...record, attempt: { ...attempt, consent: entry.consent } };
    case 'staged':
      return progress.at === 'offered' ? to({ at: 'staged', candidate: entry.held, against: entry.against }) : wrong();
    case 'evaluated':
      if (progress.at !== 'staged') return wrong();
      return to({ ...progress, at: 'evaluated', result: entry.result, disclosed: false });
    case 'outdated': {
      if (progress.at !== 'evaluated' || progress.disclosed) return wrong();
      const { candidate, against } = progress;
      const consent = { ...attempt.consent, activate: false, waiver: null };
      return { ...record, attempt: { ...attempt, consent, progress: { at: 'staged', candidate, against } } };
    }
    case 'disclosed':
      return progress.at === 'evaluated' ? to({ ...progress, disclosed: true }) : wrong();
    case 'activated': {
      if (progress.at !== 'evaluated') return wrong();
      const { candidate, result } = progress;
      const { before, target } = entry;
      return to({ at: 'activated', candidate, result, before, target, watch: UNWATCHED }, { active: candidate });
    }
    case 'watched':
      return progress.at === 'activated' ? to({ ...progress, watch: entry.watch }) : wrong();
    case 'committed': {
      if (progress.at !== 'activated') return wrong();
      const { candidate, result, target, watch } = progress;
      const anchor = record.anchor ?? candidate;
      return to({ at: 'committed', candidate, result, target, watch, completed: false }, { anchor });
    }
    case 'completed':
      return progress.at === 'committed'
        ? to({ ...progress, completed: true }, { lastGood: progress.candidate })
        : wrong();
    case 'goingBack': {
      if (progress.at !== 'activated' && progress.at !== 'committed') return wrong();
      const { candidate, result, watch } = progress;
      return to({ at: 'goingBack', candidate, result, watch, to: entry.to, end: entry.end }, { active: entry.to });
    }
    case 'ended':
      return to(
        { at: 'ended', end: entry.end, result: disclosedResult(progress), restarts: restartsOf(progress) },
        { past: remember(record.past, attempt.assignment.id) },
      );
  }
}

/** What the network may know of the gate, once the attempt is over (N2). */
function disclosedResult(progress: Progress): EvaluationResult | null {
  if (progress.at === 'evaluated') return progress.disclosed ? progress.result : null;
  return progress.at === 'offered' || progress.at === 'staged' ? null : progress.result;
}

const restartsOf = (progress: Progress): number => ('watch' in progress ? progress.watch.restarts : 0);

const remember = (past: readonly AssignmentId[], id: AssignmentId): readonly AssignmentId[] =>
  [...past.filter((other) => other !== id), id].slice(-PAST);

/** The same files are one thing to the runtime, whichever release brought them. */
function chained(record: ServiceRecord, key: string, chain: Chain): ServiceRecord {
  const link = <H extends Held | null>(held: H): H => (held?.key === key ? { ...held, chain } : held);
  const { attempt } = record;
  const progress = attempt?.progress;
  return {
    ...record,
    active: link(record.active),
    lastGood: link(record.lastGood),
    anchor: link(record.anchor),
    attempt:
      attempt && progress?.at === 'staged'
        ? { ...attempt, progress: { ...progress, candidate: link(progress.candidate) } }
        : attempt,
  };
}
