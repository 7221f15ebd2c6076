import { z } from 'zod';

// Closed lists of what may be said about a rollout on a wire. Free text never crosses: an error's text stays on the node
// behind a reference (P6), and a person's reason stays where the person gave it.

/** N1, in order; the last four are ends and can follow any step but `committed`. */
export const NodeStep = z.enum([
  'offered',
  'awaitingPreparation',
  'fetching',
  'verifying',
  'staged',
  'evaluating',
  'awaitingConsent',
  'awaitingPermit',
  'activating',
  'probing',
  'active',
  'committed',
  'failed',
  'rejected',
  'superseded',
  'rolledBack',
]);
export type NodeStep = z.infer<typeof NodeStep>;

/** What an end left behind (N1): told apart honestly. */
export const NodeOutcome = z.enum(['noChange', 'rolledBack', 'unableToRollBack']);
export type NodeOutcome = z.infer<typeof NodeOutcome>;

/** Why a node's attempt ended, or cannot begin. */
export const ReasonCode = z.enum([
  'gateFailed',
  'gateError',
  'probeFailed',
  'probeTimedOut',
  'runtimeExited',
  'soakErrorsOver',
  'soakRestartsOver',
  'rejectedBySite',
  'pinnedBySite',
  'haltedBySite',
  'withdrawn',
  'rolledBackByNetwork',
  'rolledBackBySite',
  'recalled',
  'supersededByNewer',
  'chunkMissing',
  'digestMismatch',
  'modelNotLoadable',
  'switchFailed',
  'modelNotGguf',
  'diskFull',
  'memoryTooSmall',
  'variantNoLongerFits',
  'needsSwap',
  'agentTooOld',
  'documentInvalid',
  'changeMismatch',
  'suiteInvalid',
  'policyInvalid',
  'policyTestFailed',
  'policyWithheld',
  'setInTraining',
  'targetMissing',
  'internal',
]);
export type ReasonCode = z.infer<typeof ReasonCode>;

/**
 * What a gate in error stumbled over (`gateError`), by the suite's bundled items alone: what fails on a site's own record stays at the
 * site, since even a code could tell of that record (E1). `runtimeFailed` stands for everything that a runtime says beside these.
 */
export const EvaluationFailure = z.enum([
  'contextTooLong',
  'policyFailed',
  'modelNotLoadable',
  'needsSwap',
  'digestMismatch',
  'targetMissing',
  'runtimeUnreachable',
  'runtimeUnsafeVersion',
  'runtimeExited',
  'runtimeFailed',
  'internal',
]);
export type EvaluationFailure = z.infer<typeof EvaluationFailure>;

/** What a node's attempt waits for now. `CLEARED_BY` says who can end the wait. */
export const WaitCode = z.enum([
  'wave',
  'consentToPrepare',
  'consentToActivate',
  'suiteNotAccepted',
  'deferred',
  'window',
  'gateInconclusive',
  'resultHeld',
  'permit',
  'permitRefused',
  'otherTransition',
  'pinned',
  'halted',
  'chunksMissing',
  'space',
  'network',
  'tooFewItems',
]);
export type WaitCode = z.infer<typeof WaitCode>;

export const Clearer = z.enum(['site', 'networkAdmin', 'time', 'node', 'network']);
export type Clearer = z.infer<typeof Clearer>;

export const CLEARED_BY: Readonly<Record<WaitCode, Clearer>> = {
  wave: 'time',
  consentToPrepare: 'site',
  consentToActivate: 'site',
  suiteNotAccepted: 'site',
  deferred: 'site',
  window: 'time',
  gateInconclusive: 'site',
  resultHeld: 'site',
  permit: 'time',
  permitRefused: 'networkAdmin',
  otherTransition: 'time',
  pinned: 'site',
  halted: 'site',
  chunksMissing: 'network',
  space: 'site',
  network: 'network',
  tooFewItems: 'site',
};

/** Why a rollout is paused: a list, so that a person's pause and a gate's do not erase each other. */
export const PauseCode = z.enum([
  'byAdmin',
  'waveInconclusive',
  'toleratedExceeded',
  'harmNotice',
  'olderEngine',
  'readOnly',
]);
export type PauseCode = z.infer<typeof PauseCode>;

/** Why the plan leaves a node out, or warns. */
export const BlockerCode = z.enum([
  'noVariantFits',
  'needsSwap',
  'memoryTooSmall',
  'agentTooOld',
  'neverReported',
  'fromChanged',
  'recalledRelease',
  'liveRollout',
  'runtimeUnsafe',
  'spaceTooSmall',
  'baseMismatch',
  'revoked',
  'serviceHalted',
  'servicePinned',
  'policyNotYet',
  'policyExpired',
]);
export type BlockerCode = z.infer<typeof BlockerCode>;

export const WarningCode = z.enum([
  'variantFirstSeenAfterCanary',
  'tooFewItems',
  'unsafeRuntimeAllowed',
  'singleWave',
  'deadlineShorterThanSoak',
  'alreadyThere',
  'policyExpiresSoon',
  'promptMayNotFit',
]);
export type WarningCode = z.infer<typeof WarningCode>;
