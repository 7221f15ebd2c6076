import type { Run } from './cli.ts';
import { sizeOf } from './words.ts';

/** A bar on a terminal; for a log a line at each quarter; nothing with `--json`. */
export interface Progress {
  show(what: string, done: number, total: number): void;
  end(): void;
}

const WIDTH = 30;

export function bar(done: number, total: number, width = WIDTH): string {
  const full = total === 0 ? width : Math.min(width, Math.floor((done / total) * width));
  return `${'█'.repeat(full)}${'░'.repeat(width - full)}`;
}

export function createProgress({ terminal, json }: Pick<Run, 'terminal' | 'json'>): Progress {
  let last = '';
  let drawn = false;
  return {
    show(what, done, total) {
      if (json) return;
      const percent = total === 0 ? 100 : Math.floor((done / total) * 100);
      const key = `${what} ${terminal.isTty ? percent : Math.floor(percent / 25)}`;
      if (key === last) return;
      last = key;
      const says = `${what.padEnd(9)} ${String(percent).padStart(3)} %  ${sizeOf(done)} of ${sizeOf(total)}`;
      if (terminal.isTty) {
        drawn = true;
        terminal.err(`\r\u001B[2K${bar(done, total)} ${says}`);
      } else {
        terminal.err(`${says}\n`);
      }
    },
    end() {
      if (drawn) terminal.err('\r\u001B[2K');
      drawn = false;
    },
  };
}
