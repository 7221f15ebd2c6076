export { ALPHA } from './binomial.ts';
export { clopperPearsonLower, clopperPearsonUpper, minimumItemsForSafety } from './clopper-pearson.ts';
export { type CsvProblem, type CsvRow, parseCsv } from './csv.ts';
export * from './data-card.ts';
export { type Dataset, type DatasetProblem, type DatasetReading, readDataset, type SiteRecord } from './dataset.ts';
export {
  canNeverPass,
  judge,
  type Judgement,
  type OwnOutcomes,
  referencesOf,
  type WithheldReason,
} from './evaluate-suite.ts';
export type { GateFinding } from './finding.ts';
export { isRight } from './graders.ts';
export { LocalDetails } from './local-details.ts';
export { decideNonInferiority, judgeNonInferiority } from './non-inferiority-gate.ts';
export type { ItemFacts, Outcome, Outcomes, PairedOutcomes, ReferenceOutcomes, Rerun } from './outcomes.ts';
export type { EvaluationPorts, Reply, ResultKey, Results, Subject } from './ports.ts';
export { overAfterMs } from './own-time.ts';
export { contradictionIn } from './recheck.ts';
export { compareRerun, drawItems, type Random, rerunOfOwn, seededRandom } from './rerun.ts';
export { type EvaluationEnd, type EvaluationJob, type OwnData, runEvaluation } from './run.driver.ts';
export { decideCeiling, decideSafety, judgeSafety } from './safety-gate.ts';
export { type Bounds, exactMcNemar, minimumItemsForNonInferiority, tangoBounds } from './tango.ts';
export * from './verdict-budget.ts';
