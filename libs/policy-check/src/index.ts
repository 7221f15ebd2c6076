export { createPolicyJudge, type Judgement, type JudgePolicy } from './judge-policy.ts';
