import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ExitCode } from '../exit-codes.ts';

// The agent is a program of its own: found by its path, never imported.

const AGENT = new URL('../../../edge-agent/dist/', import.meta.url);

/**
 * What requests leave behind is short-lived: half of V8's usual room for it costs no time that could be measured, and saves a fifth
 * of the agent's memory. To be set before V8 starts, so here and wherever else the program is started.
 */
const NODE_FLAGS = ['--enable-source-maps', '--max-semi-space-size=8'];

export class AgentMissing extends Error {
  override readonly name = 'Unreachable';
  readonly next = 'Build the project, or install the agent beside this program.';
}

function agentFile(name: string): string {
  const path = fileURLToPath(new URL(name, AGENT));
  if (!existsSync(path)) throw new AgentMissing(`The agent's program ${path} is not there.`);
  return path;
}

/** Runs the agent until it ends, and passes signals on. Resolves with its own exit code. */
export function runAgent(dataDir: string): Promise<ExitCode> {
  const child = spawn(process.execPath, [...NODE_FLAGS, agentFile('main.js'), '--data', dataDir], {
    stdio: 'inherit',
  });
  const passOn = (signal: NodeJS.Signals): void => void child.kill(signal);
  // A Ctrl-C at a terminal reaches both already; the agent ends in order, and this waits for it.
  process.on('SIGINT', (signal) => {
    if (process.stdin.isTTY !== true) passOn(signal);
  });
  process.on('SIGTERM', passOn);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve((code ?? (signal === 'SIGINT' ? 130 : 1)) as ExitCode));
  });
}

export interface Enrolled {
  readonly site: string;
  readonly node: string;
  readonly credentialsUntil: string;
}

/** The token goes through a pipe, so that it stands in no list of processes. */
export async function enrolAgent(dataDir: string, node: string, token: string): Promise<Enrolled> {
  const child = spawn(process.execPath, [agentFile('enrol-main.js'), '--data', dataDir, '--node', node], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const out = textOf(child.stdout);
  const err = textOf(child.stderr);
  child.stdin.on('error', () => undefined);
  child.stdin.end(token);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code === 0) return JSON.parse(await out) as Enrolled;
  throw await refusalOf(await err);
}

async function refusalOf(text: string): Promise<Error> {
  const { ErrorBody } = await import('@openward/contracts');
  const { RemoteRefusal } = await import('@openward/client');
  const body = ErrorBody.safeParse(jsonOf(text.trim().split('\n').at(-1) ?? ''));
  return body.success ? new RemoteRefusal(body.data) : new Error(`The agent could not enrol: ${text.trim()}`);
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const part of stream.setEncoding('utf8')) text += String(part);
  return text;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
