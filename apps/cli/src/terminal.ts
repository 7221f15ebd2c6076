import { styleText } from 'node:util';

/** Where a command writes. Results go to standard output, everything about how it goes to standard error. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A person looks at standard output; tables may be redrawn and coloured. */
  readonly isTty: boolean;
  readonly columns: number;
  out(text: string): void;
  raw(bytes: Uint8Array): void;
  err(text: string): void;
  readStdin(): Promise<string>;
}

export type Tone = 'good' | 'bad' | 'warn' | 'dim' | 'bold' | 'plain';
const STYLES = { good: 'green', bad: 'red', warn: 'yellow', dim: 'dim', bold: 'bold' } as const;

/** Colours a word where a person looks; the words alone say everything. */
export type Paint = (tone: Tone, text: string) => string;
export const plain: Paint = (_tone, text) => text;
export const coloured: Paint = (tone, text) =>
  tone === 'plain' ? text : styleText(STYLES[tone], text, { validateStream: false });

export function processTerminal(): Terminal {
  const { stdin, stdout, stderr, env } = process;
  return {
    env,
    isTty: stdout.isTTY === true && env['TERM'] !== 'dumb',
    columns: stdout.columns ?? 120,
    out: (text) => void stdout.write(text),
    raw: (bytes) => void stdout.write(bytes),
    err: (text) => void stderr.write(text),
    async readStdin() {
      const parts: Buffer[] = [];
      for await (const part of stdin) parts.push(part as Buffer);
      return Buffer.concat(parts).toString('utf8');
    },
  };
}

export const paintFor = ({ isTty, env }: Pick<Terminal, 'isTty' | 'env'>): Paint =>
  isTty && env['NO_COLOR'] === undefined ? coloured : plain;
