import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { answer } from '../workers.ts';

// A hospital's line, as a model: what goes one way shares one first-in-first-out queue of bytes, which empties at the
// line's rate; when it is full, nobody is read any more. In user space, so it needs no rights.

export interface LineTask {
  readonly port: number;
  readonly bytesPerSecond: number;
  /** One way. */
  readonly delayMs: number;
  readonly queueBytes: number;
}

function createDirection({ bytesPerSecond, delayMs, queueBytes }: LineTask) {
  const onTheWay: { readonly at: number; readonly piece: Buffer; readonly to: Socket }[] = [];
  const held = new Set<Socket>();
  let emptyFrom = 0;
  let timer: NodeJS.Timeout | undefined;

  const deliver = (): void => {
    timer = undefined;
    const now = performance.now();
    while (onTheWay[0] && onTheWay[0].at <= now) {
      const { piece, to } = onTheWay.shift()!;
      if (!to.destroyed) to.write(piece);
    }
    if (queued(now) < queueBytes) {
      for (const socket of held) socket.resume();
      held.clear();
    }
    wait();
  };
  const queued = (now: number): number => (Math.max(0, emptyFrom - now) * bytesPerSecond) / 1000;
  const wait = (): void => {
    const next = onTheWay[0];
    if (next && timer === undefined) timer = setTimeout(deliver, Math.max(1, next.at - performance.now()));
  };
  return (from: Socket, to: Socket): void => {
    from.on('data', (piece: Buffer) => {
      const now = performance.now();
      emptyFrom = Math.max(now, emptyFrom) + (piece.length * 1000) / bytesPerSecond;
      onTheWay.push({ at: emptyFrom + delayMs, piece, to });
      if (queued(now) >= queueBytes) {
        from.pause();
        held.add(from);
      }
      wait();
    });
    from.on('error', () => to.destroy()).on('close', () => to.destroy());
  };
}

async function listen(task: LineTask): Promise<string> {
  const [there, back] = [createDirection(task), createDirection(task)];
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ port: task.port, host: '127.0.0.1', noDelay: true });
    there(near, far);
    back(far, near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `nats://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const questions = answer({ listen });
export type SlowLineWorker = typeof questions;
