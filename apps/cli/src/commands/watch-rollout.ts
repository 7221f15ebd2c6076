import type { RolloutStatus, RolloutView } from '@openward/contracts';
import type { Client } from '@openward/client';
import type { Run } from '../cli.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { changesOf, rolloutText } from '../views/rollout.ts';

const REDRAW_MS = 1000;
const HOME = '\u001B[H';
const CLEAR_LINE = '\u001B[K';
const CLEAR_BELOW = '\u001B[J';

/** Until the rollout has ended; the exit code says how. Ctrl-C leaves the rollout as it is. */
export async function watch(client: Client, run: Run, id: string): Promise<ExitCode> {
  const draw = run.json ? jsonLines(run) : run.terminal.isTty ? screen(run) : lines(run);
  let last: RolloutView | null = null;
  try {
    const watched = client.rollouts.watch(id, {
      signal: run.signal,
      onLost: (error) =>
        run.note(error === null ? 'The control plane is back.' : `${error.message} It is asked again.`),
    });
    for await (const view of watched) {
      last = view;
      draw.show(view);
    }
  } finally {
    draw.end();
  }
  return last === null || run.signal.aborted ? EXIT.interrupted : endOf(last.status);
}

export const endOf = (status: RolloutStatus): ExitCode =>
  status === 'aborted' || status === 'rolledBack' ? EXIT.rolloutEndedBadly : EXIT.ok;

interface Drawing {
  show(view: RolloutView): void;
  end(): void;
}

/** One JSON document a line, so that a script can read them as they come. */
const jsonLines = ({ terminal }: Run): Drawing => ({
  show: (view) => terminal.out(`${JSON.stringify(view)}\n`),
  end: () => undefined,
});

function lines({ terminal }: Run): Drawing {
  let before: RolloutView | null = null;
  return {
    show(view) {
      const at = new Date().toISOString();
      for (const line of changesOf(before, view)) terminal.out(`${at}  ${line}\n`);
      before = view;
    },
    end: () => undefined,
  };
}

/** The whole picture, drawn over itself; again each second, since times run. What was last seen stays on the screen. */
function screen({ terminal, paint }: Run): Drawing {
  let view: RolloutView | null = null;
  let begun = false;
  const draw = (): void => {
    if (view === null) return;
    const text = rolloutText(view, Date.now(), paint).replaceAll('\n', `${CLEAR_LINE}\n`);
    terminal.out(`${begun ? HOME : `\u001B[2J${HOME}`}${text}${CLEAR_BELOW}`);
    begun = true;
  };
  const timer = setInterval(draw, REDRAW_MS);
  return {
    show(now) {
      view = now;
      draw();
    },
    end: () => clearInterval(timer),
  };
}
