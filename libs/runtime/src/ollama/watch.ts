import { connect, type Socket } from 'node:net';

/** Milliseconds between tries to reach a server that is gone: twice as long each time. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 5_000;

export interface Watched {
  /** The connection was there and ended: the server is gone, was started again, or merely closed it. */
  readonly onLost: () => void;
  readonly onBack: () => void;
}

/**
 * Holds one silent connection to a server, since its end is the first sign of the server's own. Keeps no process alive.
 * Returns the way to stop.
 */
export function watch(url: string, { onLost, onBack }: Watched): () => void {
  const { hostname, port, protocol } = new URL(url);
  const address = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || (protocol === 'https:' ? 443 : 80)) };
  let isStopped = false;
  let wasConnected = false;
  let pause = FIRST_PAUSE;
  let socket: Socket | undefined;
  let timer: NodeJS.Timeout | undefined;

  const open = (): void => {
    let isOpen = false;
    socket = connect(address).unref();
    socket.on('connect', () => {
      isOpen = true;
      pause = FIRST_PAUSE;
      if (wasConnected) onBack();
      wasConnected = true;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (isStopped) return;
      if (isOpen) onLost();
      timer = setTimeout(open, pause).unref();
      pause = Math.min(pause * 2, LONGEST_PAUSE);
    });
    socket.resume();
  };

  open();
  return () => {
    isStopped = true;
    clearTimeout(timer);
    socket?.destroy();
  };
}
