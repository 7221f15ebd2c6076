import { EvidenceBody, NodeStep, ServiceState, StateBody } from '@openward/contracts';
import { describe, expect, it } from 'vitest';
import { evidenceBody, reportOf } from './report.ts';
import { nodeAt } from './step-cases.fixture.ts';
import { second, settled } from './testing/bench.ts';
import { RESULTS } from './testing/documents.ts';

describe('P6: what a node says of itself', () => {
  it.each(NodeStep.options)('fits the closed list at %s', (step) => {
    const part = reportOf(nodeAt(step).state);
    expect(() => StateBody.pick({ generation: true, services: true, suites: true }).parse(part)).not.toThrow();
    expect(part.services[0]?.assignment?.step).toBe(step);
  });

  it('tells of a switch when the gateway has made it, not when the journal has', () => {
    const bench = settled().desired([second()]).until('activating');
    expect(reportOf(bench.state).services[0]?.active).toBe(second().rollbackTarget);
    expect(reportOf(bench.until('probing').state).services[0]?.active).toBe(second().release.digest);
  });

  it('is sent at once when it changes, and not when it does not', () => {
    const bench = settled().desired([second()]);
    expect(bench.effects.map((effect) => effect.kind)).toContain('report');
    bench.pass(1000);
    expect(bench.effects.map((effect) => effect.kind)).not.toContain('report');
  });

  it('says what a gate in error stumbled over, when it is not run again', () => {
    const bench = settled().desired([second()]).until('evaluating');
    const { service } = bench;
    for (let tries = 0; tries < 3; tries++) {
      if (bench.step !== 'evaluating') bench.pass(600_000);
      const result = { ...RESULTS.error, failure: 'contextTooLong' } as const;
      bench.send({ kind: 'evaluated', service, task: bench.task, result });
    }
    const [state] = reportOf(bench.state).services;
    expect(state?.assignment).toMatchObject({ step: 'failed', reason: 'gateError', failure: 'contextTooLong' });
    expect(ServiceState.parse(state)).toEqual(state);
  });

  it('fences evidence by plan, assignment and the digests of what was measured (R2)', () => {
    const bench = settled().desired([second()]).until('awaitingPermit');
    const progress = bench.record.attempt!.progress;
    if (progress.at !== 'evaluated') throw new Error(progress.at);
    const { candidate, result } = progress;
    const body = evidenceBody({ kind: 'discloseEvidence', assignment: bench.assignment, candidate, result });
    expect(EvidenceBody.parse(body)).toMatchObject({
      assignment: second().id,
      planHash: second().planHash,
      release: second().release.digest,
      variantFile: second().variant.artifact.file,
      suite: second().suite.digest,
    });
  });
});
