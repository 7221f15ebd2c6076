import type { NodeStep } from '@openward/contracts';
import { describe, expect, it } from 'vitest';
import { type Column, COLUMNS, nodeAt, type Outcome, outcome, STEPS } from './step-cases.fixture.ts';

// Every event at every step of N1. A step or an event that is added does not compile until its row or cell is filled.
// `-` stays; `no:` is a person's command refused; `next:` is where the newer assignment stands.

// prettier-ignore
const TABLE: Record<NodeStep, Record<Column, Outcome>> = {
  offered: {
    fetched: '-', fetchWaiting: '-', fetchFailed: '-', fetchFault: '-', verified: '-', verifyFailed: '-', loaded: '-',
    loadFailed: '-', quarterEvaluated: '-', passed: '-', gateFailed: '-', inconclusive: '-', gateError: '-',
    evaluateFailed: '-', permitGranted: '-', permitRefused: '-', permitFailed: '-', switched: '-', switchFailed: '-',
    probeOk: '-', probeFailed: '-', judgedOk: '-', judgedOver: '-', runtimeExited: '-', tick: '-', restart: '-',
    sameAgain: '-', older: '-', prepare: '-', proceed: '-', commit: '-', complete: '-', withdraw: 'superseded',
    rollBack: 'superseded', recalled: 'superseded', newer: 'next:awaitingPreparation', removed: 'superseded',
    accept: 'fetching', acceptInconclusive: 'no:nothingWaits', defer: '-', reject: 'rejected', halt: '-', resume: '-',
    rollback: 'no:nothingToGoBackTo', pin: '-', unpin: '-', acceptSuite: '-', setRules: '-',
  },
  awaitingPreparation: {
    fetched: '-', fetchWaiting: '-', fetchFailed: '-', fetchFault: '-', verified: '-', verifyFailed: '-', loaded: '-',
    loadFailed: '-', quarterEvaluated: '-', passed: '-', gateFailed: '-', inconclusive: '-', gateError: '-',
    evaluateFailed: '-', permitGranted: '-', permitRefused: '-', permitFailed: '-', switched: '-', switchFailed: '-',
    probeOk: '-', probeFailed: '-', judgedOk: '-', judgedOver: '-', runtimeExited: '-', tick: '-', restart: '-',
    sameAgain: '-', older: '-', prepare: '-', proceed: '-', commit: '-', complete: '-', withdraw: 'superseded',
    rollBack: 'superseded', recalled: 'superseded', newer: 'next:awaitingPreparation', removed: 'superseded',
    accept: 'fetching', acceptInconclusive: 'no:nothingWaits', defer: 'offered', reject: 'rejected', halt: '-',
    resume: '-', rollback: 'no:nothingToGoBackTo', pin: '-', unpin: '-', acceptSuite: '-', setRules: 'fetching',
  },
  fetching: {
    fetched: 'verifying', fetchWaiting: '-', fetchFailed: 'failed', fetchFault: '-', verified: '-', verifyFailed: '-',
    loaded: '-', loadFailed: '-', quarterEvaluated: '-', passed: '-', gateFailed: '-', inconclusive: '-',
    gateError: '-', evaluateFailed: '-', permitGranted: '-', permitRefused: '-', permitFailed: '-', switched: '-',
    switchFailed: '-', probeOk: '-', probeFailed: '-', judgedOk: '-', judgedOver: '-', runtimeExited: '-', tick: '-',
    restart: '-', sameAgain: '-', older: '-', prepare: '-', proceed: '-', commit: '-', complete: '-',
    withdraw: 'superseded', rollBack: 'superseded', recalled: 'superseded', newer: 'next:awaitingPreparation',
    removed: 'superseded', accept: 'no:nothingWaits', acceptInconclusive: 'no:nothingWaits', defer: 'offered', reject: 'rejected',
    halt: '-', resume: '-', rollback: 'no:nothingToGoBackTo', pin: '-', unpin: '-', acceptSuite: '-', setRules: '-',
  },
  verifying: {
    fetched: '-', fetchWaiting: '-', fetchFailed: '-', fetchFault: '-', verified: '-', verifyFailed: 'failed',
    loaded: '-', loadFailed: '-', quarterEvaluated: '-', passed: '-', gateFailed: '-', inconclusive: '-',
    gateError: '-', evaluateFailed: '-', permitGranted: '-', permitRefused: '-', permitFailed: '-', switched: '-',
    switchFailed: '-', probeOk: '-', probeFailed: '-', judgedOk: '-', judgedOver: '-', runtimeExited: '-', tick: '-',
    restart: 'fetching', sameAgain: '-', older: '-', prepare: '-', proceed: '-', commit: '-', complete: '-',
    withdraw: 'superseded', rollBack: 'superseded', recalled: 'superseded', newer: 'next:awaitingPreparation',
    removed: 'superseded', accept: 'no:nothingWaits', acceptInconclusive: 'no:nothingWaits', defer: '-', reject: 'rejected',
    halt: '-', resume: '-', rollback: 'no:nothingToGoBackTo', pin: '-', unpin: '-', acceptSuite: '-', setRules: '-',
  },
  staged: {
    fetched: '-', fetchWaiting: '-', fetchFailed: '-', fetchFault: '-', verified: '-', verifyFailed: '-', loaded: '-',
    loadFailed: '-', quarterEvaluated: '-', passed: '-', gateFailed: '-', inconclusive: '-', gateError: '-',
    evaluateFailed: '-', permitGranted: '-', permitRefused: '-', permitFailed: '-', switched: '-', switchFailed: '-',
    probeOk: '-', probeFailed: '-', judgedOk: '-', judgedOver: '-', runtimeExited: '-', tick: '-', restart: '-',
    sameAgain: '-', older: '-', prepare: '-', proceed: 'evaluating', commit: 'evaluating', complete: 'evaluating',
    withdraw: 'superseded', rollBack: 'superseded', recalled: 'superseded', newer: 'next:awaitingPreparation',
    removed: 'superseded', accept: 'no:nothingWaits', acceptInconclusive: 'no:nothingWaits', defer: '-', reject: 'rejected',
    halt: '-', resume: '-', rollback: 'no:nothingToGoBackTo', pin: '-', unpin: '-', acceptSuite: '-', setRules: '-',
  },
  evaluating: {
    fetched: '-', fetchWaiting: '-', fetchFailed: '-', fetchFault: '-', verified: '-', verifyFailed: '-', loaded: '-',
    loadFailed: '-', quarterEvaluated: '-', passed: 'awaitingConsent', gateFailed: 'failed',
    inconclusive: 'awaitingConsent', gateError: 'staged', evaluateFailed: 'failed', permitGranted: '-',
    permitRefused: '-', permitFailed: '-', switched: '-', switchFailed: '-', probeOk: '-', probeFailed: '-',
    judgedOk: '-', judgedOver: '-', runtimeExited: '-', tick: '-', restart: 'staged', sameAgain: '-', older: '-',
    prepare: '-', proceed: '-', commit: '-', complete: '-', withdraw: 'superseded', rollBack: 'superseded',
    recalled: 'superseded', newer: 'next:awaitingPreparation', removed: 'superseded', accept: 'no:nothingWaits',
    acceptInconclusive: 'no:nothingWaits', defer: '-', reject: 'rejected', halt: '-', resume: '-',
    rollback: 'no:nothingToGoBackTo', pin: '-', unpin: '-', acceptSuite: '-', setRules: '-',
  },
  awaitingConsent: {
    fetched: '-', fetchWaiting: '-', fetchFailed: '-', fetchFault: '-', verified: '-', verifyFailed: '-', loaded: '-',
    loadFailed: '-', quarterEvaluated: '-', passed: '-', gateFailed: '-', inconclusive: '-', gateError: '-',
    evaluateFailed: '-', permitGranted: '-', permitRefused: '-', permitFailed: '-', switched: '-', switchFailed: '-',
    probeOk: '-', probeFailed: '-', judgedOk: '-', judgedOver: '-', runtimeExited: '-', tick: '-', restart: '-',
    sameAgain: '-', older: '-', prepare: '-', proceed: '-', commit: '-', complete: '-', withdraw: 'superseded',
    rollBack: 'superseded', recalled: 'superseded', newer: 'next:awaitingPreparation', removed: 'superseded',
    accept: 'awaitingPermit', acceptInconclusive: 'no:notInconclusive', defer: '-', reject: 'rejected', halt: '-',
    resume: '-', rollback: 'no:nothingToGoBackTo', pin: '-', unpin: '-', acceptSuite: '-', setRules: 'awaitingPermit',
  },
  awaitingPermit: {
    fetched: '-', fetchWaiting: '-', fetchFailed: '-', fetchFault: '-', verified: '-', verifyFailed: '-', loaded: '-',
    loadFailed: '-', quarterEvaluated: '-', passed: '-', gateFailed: '-', inconclusive: '-', gateError: '-',
    evaluateFailed: '-', permitGranted: 'activating', permitRefused: '-', permitFailed: '-', switched: '-',
    switchFailed: '-', probeOk: '-', probeFailed: '-', judgedOk: '-', judgedOver: '-', runtimeExited: '-', tick: '-',
    restart: '-', sameAgain: '-', older: '-', prepare: '-', proceed: '-', commit: '-', complete: '-',
    withdraw: 'superseded', rollBack: 'superseded', recalled: 'superseded', newer: 'next:awaitingPreparation',
    removed: 'superseded', accept: 'no:nothingWaits', acceptInconclusive: 'no:notInconclusive', defer: 'awaitingConsent',
    reject: 'rejected', halt: '-', resume: '-', rollback: 'no:nothingToGoBackTo', pin: '-', unpin: '-',
    acceptSuite: '-', setRules: '-',
  },
  activating: {
    fetched: '-', fetchWaiting: '-', fetchFailed: '-', fetchFault: '-', verified: '-', verifyFailed: '-', loaded: '-',
    loadFailed: '-', quarterEvaluated: '-', passed: '-', gateFailed: '-', inconclusive: '-', gateError: '-',
    evaluateFailed: '-', permitGranted: '-', permitRefused: '-', permitFailed: '-', switched: 'probing',
    switchFailed: '-', probeOk: '-', probeFailed: '-', judgedOk: '-', judgedOver: '-', runtimeExited: '-', tick: '-',
    restart: '-', sameAgain: '-', older: '-', prepare: '-', proceed: '-', commit: '-', complete: '-', withdraw: '-',
    rollBack: '-', recalled: '-', newer: '-', removed: '-', accept: 'no:nothingWaits',
    acceptInconclusive: 'no:nothingWaits', defer: 'no:nothingWaits', reject: 'no:alreadyActive', halt: '-',
    resume: '-', rollback: '-', pin: '-', unpin: '-', acceptSuite: '-', setRules: '-',
  },
  probing: {
    fetched: '-', fetchWaiting: '-', fetchFailed: '-', fetchFault: '-', verified: '-', verifyFailed: '-', loaded: '-',
    loadFailed: '-', quarterEvaluated: '-', passed: '-', gateFailed: '-', inconclusive: '-', gateError: '-',
    evaluateFailed: '-', permitGranted: '-', permitRefused: '-', permitFailed: '-', switched: '-', switchFailed: '-',
    probeOk: 'active', probeFailed: 'failed', judgedOk: '-', judgedOver: '-', runtimeExited: '-', tick: '-',
    restart: 'activating', sameAgain: '-', older: '-', prepare: '-', proceed: '-', commit: '-', complete: '-',
    withdraw: '-', rollBack: 'activating', recalled: 'activating', newer: '-', removed: '-',
    accept: 'no:nothingWaits', acceptInconclusive: 'no:nothingWaits', defer: 'no:nothingWaits',
    reject: 'no:alreadyActive', halt: 'activating', resume: '-', rollback: 'activating', pin: '-', unpin: '-',
    acceptSuite: '-', setRules: '-',
  },
  active: {
    fetched: '-', fetchWaiting: '-', fetchFailed: '-', fetchFault: '-', verified: '-', verifyFailed: '-', loaded: '-',
    loadFailed: '-', quarterEvaluated: '-', passed: '-', gateFailed: '-', inconclusive: '-', gateError: '-',
    evaluateFailed: '-', permitGranted: '-', permitRefused: '-', permitFailed: '-', switched: '-', switchFailed: '-',
    probeOk: '-', probeFailed: '-', judgedOk: '-', judgedOver: 'failed', runtimeExited: '-', tick: '-', restart: '-',
    sameAgain: '-', older: '-', prepare: '-', proceed: '-', commit: '-', complete: '-', withdraw: '-',
    rollBack: 'activating', recalled: 'activating', newer: 'next:awaitingPreparation', removed: '-',
    accept: 'no:nothingWaits', acceptInconclusive: 'no:nothingWaits', defer: 'no:nothingWaits',
    reject: 'no:alreadyActive', halt: '-', resume: '-', rollback: 'activating', pin: '-', unpin: '-',
    acceptSuite: '-', setRules: '-',
  },
  committed: {
    fetched: '-', fetchWaiting: '-', fetchFailed: '-', fetchFault: '-', verified: '-', verifyFailed: '-', loaded: '-',
    loadFailed: '-', quarterEvaluated: '-', passed: '-', gateFailed: '-', inconclusive: '-', gateError: '-',
    evaluateFailed: '-', permitGranted: '-', permitRefused: '-', permitFailed: '-', switched: '-', switchFailed: '-',
    probeOk: '-', probeFailed: '-', judgedOk: '-', judgedOver: '-', runtimeExited: '-', tick: '-', restart: '-',
    sameAgain: '-', older: '-', prepare: '-', proceed: '-', commit: '-', complete: '-', withdraw: '-',
    rollBack: 'activating', recalled: 'activating', newer: 'next:awaitingPreparation', removed: '-',
    accept: 'no:nothingWaits', acceptInconclusive: 'no:nothingWaits', defer: 'no:nothingWaits',
    reject: 'no:alreadyActive', halt: '-', resume: '-', rollback: 'activating', pin: '-', unpin: '-',
    acceptSuite: '-', setRules: '-',
  },
  failed: {
    fetched: '-', fetchWaiting: '-', fetchFailed: '-', fetchFault: '-', verified: '-', verifyFailed: '-', loaded: '-',
    loadFailed: '-', quarterEvaluated: '-', passed: '-', gateFailed: '-', inconclusive: '-', gateError: '-',
    evaluateFailed: '-', permitGranted: '-', permitRefused: '-', permitFailed: '-', switched: '-', switchFailed: '-',
    probeOk: '-', probeFailed: '-', judgedOk: '-', judgedOver: '-', runtimeExited: '-', tick: '-', restart: '-',
    sameAgain: '-', older: '-', prepare: '-', proceed: '-', commit: '-', complete: '-', withdraw: '-', rollBack: '-',
    recalled: '-', newer: 'next:awaitingPreparation', removed: '-', accept: 'no:nothingWaits',
    acceptInconclusive: 'no:nothingWaits', defer: 'no:nothingWaits', reject: 'no:nothingWaits', halt: '-',
    resume: '-', rollback: 'no:nothingToGoBackTo', pin: '-', unpin: '-', acceptSuite: '-', setRules: '-',
  },
  rejected: {
    fetched: '-', fetchWaiting: '-', fetchFailed: '-', fetchFault: '-', verified: '-', verifyFailed: '-', loaded: '-',
    loadFailed: '-', quarterEvaluated: '-', passed: '-', gateFailed: '-', inconclusive: '-', gateError: '-',
    evaluateFailed: '-', permitGranted: '-', permitRefused: '-', permitFailed: '-', switched: '-', switchFailed: '-',
    probeOk: '-', probeFailed: '-', judgedOk: '-', judgedOver: '-', runtimeExited: '-', tick: '-', restart: '-',
    sameAgain: '-', older: '-', prepare: '-', proceed: '-', commit: '-', complete: '-', withdraw: '-', rollBack: '-',
    recalled: '-', newer: 'next:awaitingPreparation', removed: '-', accept: 'no:nothingWaits',
    acceptInconclusive: 'no:nothingWaits', defer: 'no:nothingWaits', reject: 'no:nothingWaits', halt: '-',
    resume: '-', rollback: 'no:nothingToGoBackTo', pin: '-', unpin: '-', acceptSuite: '-', setRules: '-',
  },
  superseded: {
    fetched: '-', fetchWaiting: '-', fetchFailed: '-', fetchFault: '-', verified: '-', verifyFailed: '-', loaded: '-',
    loadFailed: '-', quarterEvaluated: '-', passed: '-', gateFailed: '-', inconclusive: '-', gateError: '-',
    evaluateFailed: '-', permitGranted: '-', permitRefused: '-', permitFailed: '-', switched: '-', switchFailed: '-',
    probeOk: '-', probeFailed: '-', judgedOk: '-', judgedOver: '-', runtimeExited: '-', tick: '-', restart: '-',
    sameAgain: '-', older: '-', prepare: '-', proceed: '-', commit: '-', complete: '-', withdraw: '-', rollBack: '-',
    recalled: '-', newer: 'next:awaitingPreparation', removed: '-', accept: 'no:nothingWaits',
    acceptInconclusive: 'no:nothingWaits', defer: 'no:nothingWaits', reject: 'no:nothingWaits', halt: '-',
    resume: '-', rollback: 'no:nothingToGoBackTo', pin: '-', unpin: '-', acceptSuite: '-', setRules: '-',
  },
  rolledBack: {
    fetched: '-', fetchWaiting: '-', fetchFailed: '-', fetchFault: '-', verified: '-', verifyFailed: '-', loaded: '-',
    loadFailed: '-', quarterEvaluated: '-', passed: '-', gateFailed: '-', inconclusive: '-', gateError: '-',
    evaluateFailed: '-', permitGranted: '-', permitRefused: '-', permitFailed: '-', switched: '-', switchFailed: '-',
    probeOk: '-', probeFailed: '-', judgedOk: '-', judgedOver: '-', runtimeExited: '-', tick: '-', restart: '-',
    sameAgain: '-', older: '-', prepare: '-', proceed: '-', commit: '-', complete: '-', withdraw: '-', rollBack: '-',
    recalled: '-', newer: 'next:awaitingPreparation', removed: '-', accept: 'no:nothingWaits',
    acceptInconclusive: 'no:nothingWaits', defer: 'no:nothingWaits', reject: 'no:nothingWaits', halt: '-',
    resume: '-', rollback: 'no:nothingToGoBackTo', pin: '-', unpin: '-', acceptSuite: '-', setRules: '-',
  },
};

describe('N1: every event at every step', () => {
  it.each(STEPS)('has a node that stands at %s', (step) => {
    expect(nodeAt(step).step).toBe(step);
  });

  it.each(STEPS)('goes on from %s as the table says', (step) => {
    const seen = Object.fromEntries(COLUMNS.map((column) => [column, outcome(step, column)]));
    expect(seen).toEqual(TABLE[step]);
  });
});
