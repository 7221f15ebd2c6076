import { z } from 'zod';
import { Name } from './ids.ts';

/**
 * An evaluation suite version: data only, immutable, identified by the digest of its canonical bytes. Nothing here has
 * a default, because a default would be a value that the digest does not cover. Objects are strict: a misspelt margin
 * must refuse the suite, not weaken it.
 */

/** A share strictly between 0 and 1, to at most four decimals, so that `share * n` can be compared exactly. */
export const Share = z.number().gt(0).lt(1).multipleOf(0.0001);

/** A label as a reply would carry it: no space around it, since replies are trimmed before they are compared. */
const Label = z
  .string()
  .max(200)
  .regex(/^\S(.*\S)?$/s);

/**
 * One bundled item: a synthetic input, about no patient, and the label that a right reply carries. `redFlag` items are
 * those whose miss could harm; each stands for one person.
 */
export const SuiteItem = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
  input: z.string().min(1).max(8_000),
  expected: Label,
  redFlag: z.boolean(),
});
export type SuiteItem = z.infer<typeof SuiteItem>;

/** E1: the items in the suite, or the site's own records. */
export const EvidenceSet = z.enum(['bundled', 'own']);
export type EvidenceSet = z.infer<typeof EvidenceSet>;

/**
 * E2, over all red-flag items of one set. It passes when the one-sided 95 % Clopper-Pearson upper bound of the newly
 * missed is under `margin` and the candidate's own misses are under `ceiling`, a share of n. 18 misses of 120 are not under
 * a ceiling of 15 %.
 */
export const SafetyGate = z.strictObject({
  kind: z.literal('safety'),
  set: EvidenceSet,
  margin: Share,
  ceiling: Share,
});
export type SafetyGate = z.infer<typeof SafetyGate>;

/** E3, over all bundled items: Tango's bounds of the paired difference in the share that is wrong. */
export const NonInferiorityGate = z.strictObject({
  kind: z.literal('nonInferiority'),
  set: z.literal('bundled'),
  metric: z.literal('correct'),
  margin: Share,
});
export type NonInferiorityGate = z.infer<typeof NonInferiorityGate>;

/** The closed list of gates. All must pass; none offsets another. */
export const Gate = z.discriminatedUnion('kind', [SafetyGate, NonInferiorityGate]);
export type Gate = z.infer<typeof Gate>;

const Column = z.string().min(1).max(100);

/**
 * The columns of a site's own records that a suite reads (E1, E7). Expected values come from `labelColumn`. Each labeller
 * column holds the label which that clinician gave; a red-flag label counts only where two gave it.
 */
export const DatasetContract = z
  .strictObject({
    textColumn: Column,
    labelColumn: Column,
    personColumn: Column,
    labellerColumns: z.array(Column).min(2).max(5),
    redFlagLabel: Label,
    labels: z.array(Label).min(2).max(100),
  })
  .check((ctx) => {
    const { textColumn, labelColumn, personColumn, labellerColumns, labels, redFlagLabel } = ctx.value;
    const columns = [textColumn, labelColumn, personColumn, ...labellerColumns];
    if (new Set(columns).size !== columns.length) refuse(ctx, [], 'each column has one role');
    if (new Set(labels).size !== labels.length) refuse(ctx, ['labels'], 'a label is listed once');
    if (!labels.includes(redFlagLabel)) refuse(ctx, ['redFlagLabel'], 'the red-flag label is one of the labels');
  });
export type DatasetContract = z.infer<typeof DatasetContract>;

/** How a reply is graded. `labelExact`: the reply, trimmed, equals the expected label. */
export const Grader = z.enum(['labelExact']);
export type Grader = z.infer<typeof Grader>;

/**
 * The suite itself. `rerunItems` is how many answers of each reference are asked again (E4), `minimumDistinctPersons`
 * the least number of persons that a verdict may rest on (E5); a suite may raise both, not lower them.
 */
export const SuiteDocument = z
  .strictObject({
    name: Name,
    version: z.int().min(1),
    service: Name,
    languages: z
      .array(z.string().regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/))
      .min(1)
      .max(50),
    grader: Grader,
    items: z.array(SuiteItem).min(1).max(10_000),
    contract: DatasetContract.optional(),
    gates: z.array(Gate).min(1).max(3),
    rerunItems: z.int().min(40).max(10_000),
    minimumDistinctPersons: z.int().min(11).max(10_000),
  })
  .check((ctx) => {
    const { items, gates, contract } = ctx.value;
    const readsOwnRecords = gates.some((gate) => gate.set === 'own');
    if (new Set(items.map((item) => item.id)).size !== items.length) refuse(ctx, ['items'], 'an item id is used once');
    if (new Set(gates.map((gate) => `${gate.kind} ${gate.set}`)).size !== gates.length) {
      refuse(ctx, ['gates'], 'one gate of a kind for a set');
    }
    if (!gates.some((gate) => gate.kind === 'safety' && gate.set === 'bundled')) {
      refuse(ctx, ['gates'], 'a suite has a safety gate on its bundled items');
    }
    if (readsOwnRecords !== (contract !== undefined)) {
      refuse(ctx, ['contract'], 'a suite has a dataset contract if and only if one of its gates reads own records');
    }
  });
export type SuiteDocument = z.infer<typeof SuiteDocument>;

/** What a gate says. Only `pass` lets a release go on; a gate that cannot be evaluated is inconclusive or an error. */
export const Verdict = z.enum(['pass', 'fail', 'inconclusive', 'error']);
export type Verdict = z.infer<typeof Verdict>;

/** Why, from a closed list; each reason belongs to one verdict (`VERDICT_OF_REASON`). */
export const VerdictReason = z.enum([
  'withinMargin',
  'ceilingBroken',
  'marginExceeded',
  'betweenBounds',
  'tooFew',
  'runtimeUnstable',
  'nothingMeasured',
  'verdictBudgetSpent',
  'dataMissing',
  'dataExpired',
  'dataChangedTooLittle',
  'suiteNotAccepted',
  'candidateFailed',
  'referenceFailed',
]);
export type VerdictReason = z.infer<typeof VerdictReason>;

export const VERDICT_OF_REASON = {
  /** The upper bound is under the margin, and the misses are under the ceiling. */
  withinMargin: 'pass',
  /** The candidate misses as many as the ceiling, or more. */
  ceilingBroken: 'fail',
  /** The lower bound is over the margin. */
  marginExceeded: 'fail',
  /** The margin lies between the bounds: more items could tell. */
  betweenBounds: 'inconclusive',
  /** E5: under the gate's minimum of items, or under the least number of persons. */
  tooFew: 'inconclusive',
  /** E4: a reference answered an item otherwise when it was asked again. */
  runtimeUnstable: 'inconclusive',
  /** An item that the gate reads has no answer. */
  nothingMeasured: 'inconclusive',
  /** E6: the data set's verdicts of these 30 days are spent. */
  verdictBudgetSpent: 'inconclusive',
  /** The site has added no records for this suite. */
  dataMissing: 'inconclusive',
  /** E7: the records' approval has run out. */
  dataExpired: 'inconclusive',
  /** E7: the records differ from those judged in these 30 days by too few persons. */
  dataChangedTooLittle: 'inconclusive',
  /** E6: nobody at the site has accepted this suite by its digest. */
  suiteNotAccepted: 'inconclusive',
  /** The runtime failed on an item of the candidate. */
  candidateFailed: 'error',
  /** The runtime failed on an item of a reference. */
  referenceFailed: 'error',
} as const satisfies Record<VerdictReason, Verdict>;

/** E4: which release the candidate was paired with; a first release has none, and only its ceiling is judged. */
export const Against = z.enum(['live', 'anchor', 'liveAndAnchor']);
export type Against = z.infer<typeof Against>;

const Count = z.int().min(0).max(10_000);
const judged = { verdict: Verdict, reason: VerdictReason };
const reasonFitsVerdict = (it: { verdict: Verdict; reason: VerdictReason }): boolean =>
  VERDICT_OF_REASON[it.reason] === it.verdict;
const MISFIT = { message: 'the reason belongs to another verdict', path: ['reason'] };
const bounds = { lower: z.number().min(-1).max(1), upper: z.number().min(-1).max(1) };

/** The ceiling alone, for a first release. `counts` is null where an item has no answer. */
export const CeilingEvidence = z
  .strictObject({
    kind: z.literal('ceiling'),
    ...judged,
    counts: z.strictObject({ n: Count, candidateMisses: Count }).nullable(),
  })
  .refine(reasonFitsVerdict, MISFIT);

/** The safety gate against one reference. Bounds are one-sided, 95 % each, of `newlyMissed / n`. */
export const SafetyEvidence = z
  .strictObject({
    kind: z.literal('safety'),
    against: Against,
    ...judged,
    counts: z
      .strictObject({
        n: Count,
        newlyMissed: Count,
        candidateMisses: Count,
        referenceMisses: Count,
        ...bounds,
      })
      .nullable(),
  })
  .refine(reasonFitsVerdict, MISFIT);

/** The other gate against one reference. Bounds are of `(newlyWrong - newlyRight) / n`; the p-value never decides. */
export const NonInferiorityEvidence = z
  .strictObject({
    kind: z.literal('nonInferiority'),
    against: Against,
    ...judged,
    counts: z
      .strictObject({
        n: Count,
        newlyWrong: Count,
        newlyRight: Count,
        ...bounds,
        pValue: z.number().min(0).max(1),
      })
      .nullable(),
  })
  .refine(reasonFitsVerdict, MISFIT);

export const GateEvidence = z.discriminatedUnion('kind', [CeilingEvidence, SafetyEvidence, NonInferiorityEvidence]);
export type GateEvidence = z.infer<typeof GateEvidence>;

/** What may leave about the bundled items: exact counts, gate by gate, since they are about no patient (E1). */
export const BundledEvidence = z
  .strictObject({ ...judged, gates: z.array(GateEvidence).max(4) })
  .refine(reasonFitsVerdict, MISFIT);
export type BundledEvidence = z.infer<typeof BundledEvidence>;

/** All that may leave about a site's own records: one verdict and one reason for the whole suite (E1, E6). */
export const OwnEvidence = z.strictObject(judged).refine(reasonFitsVerdict, MISFIT);
export type OwnEvidence = z.infer<typeof OwnEvidence>;

function refuse(
  ctx: { value: unknown; issues: z.core.$ZodRawIssue[] },
  path: readonly string[],
  message: string,
): void {
  ctx.issues.push({ code: 'custom', input: ctx.value, path: [...path], message });
}
