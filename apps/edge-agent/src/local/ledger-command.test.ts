import { expect, test } from 'vitest';
import type { Agent } from '../agent.ts';
import { AnyCommand } from './commands.ts';
import { NodeController } from './node.controller.ts';

const controllerOf = (answer: 'done' | 'noAlarm', said: string[]) =>
  new NodeController({
    network: {
      acknowledgeLedger: (reason: string) => {
        said.push(reason);
        return answer;
      },
    },
  } as unknown as Agent);

test('P8 a restored ledger is acknowledged over the local socket with a reason, and not without one', async () => {
  const said: string[] = [];
  const command = AnyCommand.parse({ kind: 'acknowledgeLedger', reason: 'the machine was restored' });
  expect(await controllerOf('done', said).command(command)).toEqual({ done: true });
  expect(said).toEqual(['the machine was restored']);
  expect(AnyCommand.safeParse({ kind: 'acknowledgeLedger' }).success).toBe(false);
  await expect(controllerOf('noAlarm', said).command(command)).rejects.toMatchObject({ code: 'notWaiting' });
});
