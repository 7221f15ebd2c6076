import type { RolloutStatus, RolloutView } from '@openward/contracts';

const ENDED: readonly RolloutStatus[] = ['completed', 'aborted', 'rolledBack'];
export const hasEnded = ({ status }: Pick<RolloutView, 'status'>): boolean => ENDED.includes(status);
