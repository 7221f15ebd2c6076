export {
  createPolicyJudge,
  createPolicyThread,
  type Judgement,
  type JudgePolicy,
  type PolicyThread,
  type ReadClinical,
} from './judge-policy.ts';
