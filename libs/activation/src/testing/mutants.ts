/** A known bug: in which file, what is replaced, and what it becomes. */
export interface Mutant {
  readonly bug: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export const MUTANTS: readonly Mutant[] = [
  {
    bug: 'a journal entry that is not synced',
    file: 'reconciler.driver.ts',
    from: 'return journal.sync();',
    to: 'return;',
  },
  {
    bug: 'the act before its journal entry',
    file: 'step.ts',
    from: 'return { state, effects: all };\n}',
    to: "return { state, effects: [...all].sort((a, b) => Number(a.kind === 'journal') - Number(b.kind === 'journal')) };\n}",
  },
  {
    bug: 'a permit of any age',
    file: 'permit.ts',
    from: 'ageOf(job, turn) >= Math.min(answer.lifetimeMs, LONGEST_LIFE_MS)',
    to: 'false',
  },
  {
    bug: 'a permit for any asking',
    file: 'permit.ts',
    from: 'if (reply.nonce !== job.nonce) return;',
    to: '',
  },
  {
    bug: 'no permit needed',
    file: 'pursue.ts',
    from: 'askForPermit(turn, service);\n}',
    to: "if (!turn.work(service).loaded.includes(progress.candidate.key)) return;\n  turn.record({ kind: 'activated', service, before: turn.service(service).active, target: null });\n}",
  },
  {
    bug: 'a failed attempt tried again',
    file: 'desired.ts',
    from: 'if (past.includes(wanted.id) || attempt?.assignment.id === wanted.id) return false;',
    to: '',
  },
  {
    bug: 'a halt that is not journalled',
    file: 'commands.ts',
    from: "turn.record({ kind: 'halted', service, halted: true });",
    to: '',
  },
  {
    bug: 'a rollback target that is given up at the switch',
    file: 'turn.ts',
    from: "if (progress?.at === 'activated') found.push(progress.target, progress.before);",
    to: '',
  },
  {
    bug: 'an anchor that is given up',
    file: 'turn.ts',
    from: '[active, lastGood, anchor];\n  if',
    to: '[active, lastGood];\n  if',
  },
  {
    bug: 'a question that is never asked again',
    file: 'permit.ts',
    from: 'if (ageOf(job, turn) < ASK_AGAIN_MS) return',
    to: 'if (true) return',
  },
  {
    bug: 'a rest that no news ends',
    file: 'permit.ts',
    from: 'until: Math.min(job.until, turn.now.monotonic)',
    to: 'until: job.until',
  },
  {
    bug: 'a result that leaves before anybody let it',
    file: 'pursue.ts',
    from: "if (isDeferred(attempt, turn.now)) return wait('deferred');",
    to: "disclose(turn, service, attempt);\n  if (isDeferred(attempt, turn.now)) return wait('deferred');",
  },
  {
    bug: 'unloads the model that the other release still serves',
    file: 'keep.ts',
    from: 'Object.values(work).some(',
    to: "key === '' && Object.values(work).some(",
  },
  {
    bug: 'a change of policy alone that is not switched to',
    file: 'model.ts',
    from: 'one?.release === other?.release && one?.key === other?.key;',
    to: 'one?.key === other?.key;',
  },
  {
    bug: 'a recalled release that is served on',
    file: 'desired.ts',
    from: 'leaveRecalled(turn, service);\n  const wanted',
    to: 'const wanted',
  },
];
