import type { BundledEvidence, Gate, GateEvidence, SuiteDocument, VerdictReason } from '@openward/contracts';
import { worst } from './evaluate-suite.ts';
import { decideNonInferiority } from './non-inferiority-gate.ts';
import { decideCeiling, decideSafety } from './safety-gate.ts';

/**
 * What is wrong with evidence that a node sent, or null. Bundled items are the same everywhere and their counts are sent, so
 * whoever receives them decides each gate again: a verdict need not be believed. The counts themselves are the node's word.
 */
export function contradictionIn(suite: SuiteDocument, evidence: BundledEvidence): string | null {
  if (evidence.verdict === 'error' && evidence.gates.length === 0) return null;
  for (const found of evidence.gates) {
    const wrong = contradictionOf(suite, found);
    if (wrong !== null) return wrong;
  }
  const missing = suite.gates.find((gate) => gate.set === 'bundled' && !isJudged(gate, evidence.gates));
  if (missing !== undefined) return `the ${missing.kind} gate is not judged`;
  const reason = worst(evidence.gates.map((it) => it.reason));
  return reason === evidence.reason ? null : `its gates say ${reason}, and it says ${evidence.reason}`;
}

/** A first release has no reference, so its safety gate is the ceiling alone, and it has no other gate (E4). */
function isJudged(gate: Gate, gates: readonly GateEvidence[]): boolean {
  const isFirst = gates.some((it) => it.kind === 'ceiling');
  if (gate.kind === 'nonInferiority') return isFirst || gates.some((it) => it.kind === 'nonInferiority');
  return gates.some((it) => it.kind === 'safety') !== isFirst;
}

function contradictionOf(suite: SuiteDocument, found: GateEvidence): string | null {
  const { kind, counts, reason, verdict } = found;
  if (counts === null) return verdict === 'pass' || verdict === 'fail' ? `${kind}: ${reason} without counts` : null;
  const { n, ...others } = counts;
  const parts = Object.entries(others).filter(([name]) => !['lower', 'upper', 'pValue'].includes(name));
  if (n > suite.items.length || parts.some(([, count]) => count > n)) return `${kind}: counts that no suite can give`;
  // A reference that answered otherwise when it was asked again is nothing that counts tell; it never passes.
  if (reason === 'runtimeUnstable') return null;
  const decided = decide(suite, found);
  return decided === null || decided === reason ? null : `${kind}: its counts say ${decided}, and it says ${reason}`;
}

function decide(suite: SuiteDocument, found: GateEvidence): VerdictReason | null {
  const minimum = suite.minimumDistinctPersons;
  for (const gate of suite.gates) {
    if (gate.set !== 'bundled' || found.counts === null) continue;
    if (gate.kind === 'nonInferiority') {
      if (found.kind !== 'nonInferiority') continue;
      const { n, newlyWrong, newlyRight } = found.counts;
      return newlyWrong + newlyRight > n ? 'nothingMeasured' : decideNonInferiority(gate, found.counts, minimum);
    }
    if (found.kind === 'ceiling') return decideCeiling(gate, found.counts, minimum);
    if (found.kind === 'safety') return decideSafety(gate, found.counts, minimum);
  }
  return null;
}
