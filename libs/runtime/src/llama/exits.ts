/** How a process ended, in words, and whether by its own fault: what it was loading is then to blame. */
export interface Exit {
  readonly reason: string;
  readonly isCrash: boolean;
}

/** llama.cpp never sends itself these: they are a shutdown's, an operator's, or the system's that needs memory. */
const FROM_OUTSIDE: ReadonlySet<string> = new Set(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP']);
/** An end in order, and how a shell tells the same signals. */
const ORDERLY: ReadonlySet<number> = new Set([0, 129, 130, 137, 143]);

export function exitOf(code: number | null, signal: string | null): Exit {
  if (signal !== null) return { reason: `killed by ${signal}`, isCrash: !FROM_OUTSIDE.has(signal) };
  return { reason: `it ended with code ${code}`, isCrash: code !== null && !ORDERLY.has(code) };
}
