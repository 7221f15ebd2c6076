export * from './model.ts';
export { type OrdinaryMatch, type OrdinaryMatches, ordinaryMatches } from './ordinary.ts';
export * from './change.ts';
export {
  type ClinicalChange,
  type ClinicalChanges,
  type ClinicalMatch,
  clinicalChanges,
  clinicalMatches,
  unreadClinical,
} from './clinical-changes.ts';
export { MOST_NOTICE_BYTES } from './check-notices.ts';
export { compilePolicy } from './compile.ts';
export { withoutControls } from './controls.ts';
export { strongest } from './texts.ts';
export { joinTurns, type PolicyMessage } from './turns.ts';
export { MOST_WATCHED } from './watch.ts';
export { chooseLanguage } from './language.ts';
export * from './template.ts';
export * from './describe.ts';
export * from './diff.ts';
export { type FieldDiff } from './field-diff.ts';
export { diffReleases, type ReleaseHere, type RunsHere } from './diff-release.ts';
export { misfitsOf } from './fit.ts';
export * from './folder.ts';
export { type DiffLine, differenceText } from './text-diff.ts';
export { visible } from './visible.ts';
export {
  decideTermLeave,
  readsTerms,
  TERM_VERDICTS_IN_30_DAYS,
  type TermLeave,
  type TermVerdict,
} from './term-verdicts.ts';
export { warmUp } from './warm.ts';
export { finderOf } from './identifiers/index.ts';
export { starterPolicy } from './starter/index.ts';
export { checkPolicy, type Checking, type Examination, examinePolicy, examineShape } from './check.ts';
export { runPolicyTests, type TestDifference, type TestResult } from './run-tests.ts';
export { policyRefusal, policyRefusalCode } from './refusal.ts';
export { type Bound, type Change, changeAtNode, classOfChange, type Files } from './class-of-change.ts';
