import type {
  AssignmentId,
  ChangeClass,
  Digest,
  Name,
  VerdictReason,
  Verdict,
  Version,
  WaitCode,
} from '@openward/contracts';
import type { EvaluationResult } from './model.ts';

/** What waits at this site, for `openward node offers` and the local page. It is shown here before anything of it leaves (N2). */
export interface Offer {
  readonly service: Name;
  readonly assignment: AssignmentId;
  readonly release: Digest;
  readonly number: number;
  readonly change: ChangeClass;
  readonly model: string;
  readonly variant: Version;
  /** Of all files that the assignment would fetch; what is on the disk already is not taken off. */
  readonly bytes: number;
  readonly suite: { readonly digest: Digest; readonly readsSiteData: boolean; readonly accepted: boolean };
  /** What a person here can answer now; null while it waits for something else. */
  readonly question: 'prepare' | 'acceptSuite' | 'activate' | 'waive' | 'release' | null;
  readonly waitsFor: WaitCode | null;
  readonly deferredUntil: number | null;
  readonly gate: { readonly verdict: Verdict; readonly reason: VerdictReason; readonly hasLeft: boolean } | null;
  readonly result: EvaluationResult | null;
}
