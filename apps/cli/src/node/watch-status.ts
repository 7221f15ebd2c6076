import { setTimeout as pause } from 'node:timers/promises';
import type { NodeClient, NodeStatus } from '@openward/client';
import type { Run } from '../cli.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { statusText } from '../views/node.ts';
import { shortDigest, sizeOf, spaced } from '../words.ts';

const EVERY_MS = 500;

/** Until Ctrl-C. On a terminal the picture is drawn over itself; else each change is a line. */
export async function watchStatus(client: NodeClient, run: Run): Promise<ExitCode> {
  let before: readonly string[] = [];
  let last = '';
  while (!run.signal.aborted) {
    const status = await client.status();
    if (run.json) {
      const text = JSON.stringify(status);
      if (text !== last) run.terminal.out(`${text}\n`);
      last = text;
    } else if (run.terminal.isTty) {
      const text = statusText(status, run.paint).replaceAll('\n', '\u001B[K\n');
      run.terminal.out(`${last === '' ? '\u001B[2J' : ''}\u001B[H${text}\u001B[J`);
      last = text;
    } else {
      const lines = statusLines(status);
      for (const line of lines) {
        if (!before.includes(line)) run.terminal.out(`${new Date().toISOString()}  ${line}\n`);
      }
      before = lines;
    }
    await pause(EVERY_MS, undefined, { signal: run.signal }).catch(() => undefined);
  }
  return EXIT.interrupted;
}

/** What a line in a log says of each thing; a fetch moves on by tenths. */
export const statusLines = ({ connected, serving, report, fetches }: NodeStatus): string[] => [
  connected ? 'network connected' : 'network not connected',
  ...serving.map(({ service, number, stopped, policyExpired }) =>
    policyExpired
      ? `${service} gives its fallback text: the policy of release ${number ?? 'none'} has expired`
      : stopped == null
        ? `${service} serves release ${number ?? 'none'}`
        : `${service} ${spaced(stopped)}`,
  ),
  ...report.services.flatMap(({ service, assignment }) =>
    assignment === undefined
      ? []
      : [
          `${service} ${spaced(assignment.step)}${assignment.waitsFor === undefined ? '' : `, waits for ${spaced(assignment.waitsFor)}`}${assignment.reason === undefined ? '' : `: ${spaced(assignment.reason)}`}`,
        ],
  ),
  ...fetches.map(({ service, file, doneBytes, totalBytes }) =>
    doneBytes >= totalBytes
      ? `${service} fetched ${shortDigest(file)}, ${sizeOf(totalBytes)}`
      : `${service} fetching ${shortDigest(file)}: ${Math.floor((doneBytes / totalBytes) * 10) * 10} % of ${sizeOf(totalBytes)}`,
  ),
];
