import { connect, type Socket } from 'node:net';
import { answer } from '../workers.ts';
import { quantile } from '../statistics.ts';

// Asks the same question over and over, on a number of connections, each of which waits for its reply. It speaks HTTP/1.1 by
// hand, since on two cores a client library would take the time that is to be measured.

export interface LoadTask {
  readonly url: string;
  readonly path: string;
  readonly key: string;
  readonly body: string;
  readonly connections: number;
  readonly ms: number;
}

export interface Load {
  readonly requests: number;
  /** Not 200, or no reply at all. */
  readonly failed: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

/** One reply, as far as a load needs it. `began` and `ended` in milliseconds of wall time, comparable between processes. */
export interface Reply {
  readonly began: number;
  readonly ended: number;
  readonly status: number;
  readonly release: string | null;
}

const now = (): number => performance.timeOrigin + performance.now();

export function requestBytes({ url, path, key, body }: LoadTask): Buffer {
  const { host } = new URL(url);
  return Buffer.from(
    [
      `POST ${path} HTTP/1.1`,
      `host: ${host}`,
      `authorization: Bearer ${key}`,
      'content-type: application/json',
      `content-length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
  );
}

const HEAD_END = Buffer.from('\r\n\r\n');

/** Sends `bytes` again as soon as its reply is whole, until `isOver` says so; each reply to `onReply`. */
async function askOnAndOn(
  task: LoadTask,
  bytes: Buffer,
  isOver: () => boolean,
  onReply: (reply: Reply) => void,
): Promise<void> {
  const { hostname, port } = new URL(task.url);
  const socket: Socket = connect({ host: hostname, port: Number(port), noDelay: true });
  await new Promise<void>((resolve, reject) => {
    let began = 0;
    let seen: Buffer = Buffer.alloc(0);
    const ask = (): void => {
      began = now();
      socket.write(bytes);
    };
    const lose = (): void => {
      onReply({ began, ended: now(), status: 0, release: null });
      resolve();
    };
    socket.on('connect', ask).on('error', lose).on('end', lose);
    socket.on('data', (piece: Buffer) => {
      seen = seen.length === 0 ? piece : Buffer.concat([seen, piece]);
      const end = seen.indexOf(HEAD_END);
      if (end === -1) return;
      const head = seen.toString('latin1', 0, end);
      const length = /content-length: *(\d+)/i.exec(head)?.[1];
      if (length === undefined) return reject(new Error(`a reply without a length: ${head}`));
      if (seen.length < end + HEAD_END.length + Number(length)) return;
      seen = Buffer.alloc(0);
      onReply({
        began,
        ended: now(),
        status: Number(head.slice(9, 12)),
        release: /x-openward-release: *(\d+)/i.exec(head)?.[1] ?? null,
      });
      if (isOver()) resolve();
      else ask();
    });
  });
  socket.destroy();
}

async function load(task: LoadTask): Promise<Load> {
  const bytes = requestBytes(task);
  const took: number[] = [];
  let failed = 0;
  const began = performance.now();
  const isOver = (): boolean => performance.now() - began >= task.ms;
  const onReply = (reply: Reply): void => {
    if (reply.status === 200) took.push(reply.ended - reply.began);
    else failed += 1;
  };
  await Promise.all(Array.from({ length: task.connections }, () => askOnAndOn(task, bytes, isOver, onReply)));
  const ms = performance.now() - began;
  if (took.length === 0) throw new Error(`no reply was right, and ${failed} were not`);
  return {
    requests: took.length,
    failed,
    perSecond: (took.length * 1000) / ms,
    p50: quantile(took, 0.5),
    p99: quantile(took, 0.99),
  };
}

let steady: { over: boolean; readonly replies: Reply[]; readonly done: Promise<unknown> } | undefined;

/** Starts a stream that goes on until `stop`, which gives every reply. `ms` is not used. */
function start(task: LoadTask): void {
  const bytes = requestBytes(task);
  const replies: Reply[] = [];
  const stream = { over: false, replies, done: Promise.resolve() as Promise<unknown> };
  const ask = () =>
    askOnAndOn(
      task,
      bytes,
      () => stream.over,
      (reply) => replies.push(reply),
    );
  stream.done = Promise.all(Array.from({ length: task.connections }, ask));
  steady = stream;
}

async function stop(): Promise<readonly Reply[]> {
  if (!steady) throw new Error('no stream was started');
  steady.over = true;
  await steady.done;
  return steady.replies;
}

const questions = answer({ load, start, stop });
export type LoadWorker = typeof questions;
