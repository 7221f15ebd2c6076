import { setTimeout as delay } from 'node:timers/promises';

import { inTime, PATIENCE, patienceFor, type Patience } from '../patience.ts';
import type { IsolationMeasure, LoadRequest, RuntimeExit } from '../port.ts';
import { RuntimeRefusal } from '../refusal.ts';
import { closed } from '../requests.ts';
import { Connection } from './connection.ts';
import { findFencing, measuresOf, type Fence } from './isolation.ts';
import { launchChild } from './launch.ts';

export interface LlamaChildOptions {
  /** Folders with models, which the child may read. */
  readonly readable: readonly string[];
  /** Folders that the child must have nothing of (the agent's data), but for readable ones inside them. */
  readonly hidden?: readonly string[];
  /** Milliseconds before the first restart; each further one waits twice as long, up to 30 s. */
  readonly restartDelay?: number;
  /** Milliseconds that a request waits for a child that is being started. */
  readonly startDeadline?: number;
  /** Milliseconds after which a child that is not ready is ended, so that another one is tried. */
  readonly readyDeadline?: number;
  /** After which a child is ended that has not loaded what it was asked to. */
  readonly patience?: Patience;
}

type Restore = (connection: Connection) => Promise<void>;

/**
 * Keeps one child running: started at the first request, started again with back-off when it dies, and given back what it
 * held before anyone else is served. Shared by the runtime and the vocabularies; whoever made it closes it.
 */
export class LlamaChild {
  readonly #fence: Fence;
  readonly #restartDelay: number;
  readonly #startDeadline: number;
  readonly #readyDeadline: number;
  readonly #patience: Patience;
  readonly #restores = new Set<Restore>();
  readonly #listeners = new Set<(exit: RuntimeExit) => void>();
  readonly #closing = new AbortController();
  #current: Connection | undefined;
  #starting: Promise<Connection> | undefined;
  #deaths = 0;
  #isTrying = false;

  constructor(options: LlamaChildOptions) {
    const { readable, hidden = [], restartDelay = 100, startDeadline = 30_000, readyDeadline = 120_000 } = options;
    this.#fence = { readable, hidden };
    this.#restartDelay = restartDelay;
    this.#startDeadline = startDeadline;
    this.#readyDeadline = readyDeadline;
    this.#patience = options.patience ?? PATIENCE;
  }

  get pid(): number | undefined {
    return this.#current?.pid;
  }

  async isolation(): Promise<readonly IsolationMeasure[]> {
    return measuresOf(await findFencing(), this.#fence);
  }

  /** The child, ready and holding what it held before. */
  connect(): Promise<Connection> {
    if (this.#closing.signal.aborted) return Promise.reject(closed());
    if (this.#current !== undefined) return Promise.resolve(this.#current);
    return within(this.#startDeadline, this.#start());
  }

  /** Lends a further child in the same fence, which holds nothing and is never started again; its exit is told to its user alone. */
  async apart<Result>(use: (connection: Connection) => Promise<Result>): Promise<Result> {
    const { signal } = this.#closing;
    if (signal.aborted) throw closed();
    const child = await launchChild(this.#fence);
    const kill = (): void => void child.kill('SIGKILL');
    signal.addEventListener('abort', kill, { once: true });
    try {
      if (signal.aborted) throw closed();
      return await use(
        await within(
          this.#startDeadline,
          Connection.open(child, this.#readyDeadline, () => undefined),
        ),
      );
    } finally {
      signal.removeEventListener('abort', kill);
      kill();
    }
  }

  /** Waits for what a child does with these files, and ends the child that hangs over them: it would hold up all that follows. */
  async patiently<Result>(
    connection: Connection,
    files: Pick<LoadRequest, 'base' | 'adapter'>,
    work: () => Promise<Result>,
    signal?: AbortSignal,
  ): Promise<Result> {
    const milliseconds = await patienceFor(files, this.#patience);
    return inTime(milliseconds, work(), () => connection.kill(), signal);
  }

  /** `restore` is called with each new child before it serves anyone; where it rejects, that child is ended. */
  onRestart(restore: Restore): () => void {
    this.#restores.add(restore);
    return () => this.#restores.delete(restore);
  }

  onExit(listener: (exit: RuntimeExit) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** It worked: the next death is again the first. */
  hasWorked(): void {
    this.#deaths = 0;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#current?.kill();
    await this.#starting?.then(
      (connection) => connection.kill(),
      () => undefined,
    );
  }

  #start(): Promise<Connection> {
    this.#starting ??= this.#bringUp().finally(() => (this.#starting = undefined));
    return this.#starting;
  }

  async #bringUp(): Promise<Connection> {
    const signal = this.#closing.signal;
    if (this.#deaths > 0) {
      const wait = Math.min(this.#restartDelay * 2 ** (this.#deaths - 1), 30_000);
      await delay(wait, undefined, { signal }).catch(() => undefined);
    }
    if (signal.aborted) throw closed();
    let connection: Connection | undefined;
    try {
      const child = await launchChild(this.#fence);
      connection = await Connection.open(child, this.#readyDeadline, (reason) => this.#died(reason));
      for (const restore of this.#restores) await restore(connection);
      // A file that crashed it was given up meanwhile, so that the next one lives.
      if (connection.hasEnded)
        throw new RuntimeRefusal('runtimeUnreachable', 'It ended while it took back its models.');
    } catch (cause) {
      if (connection === undefined) this.#deaths += 1;
      connection?.kill();
      throw cause;
    }
    if (signal.aborted) {
      connection.kill();
      throw closed();
    }
    this.#current = connection;
    return connection;
  }

  #died(reason: string): void {
    this.#current = undefined;
    if (this.#closing.signal.aborted) return;
    this.#deaths += 1;
    for (const listener of this.#listeners) listener({ at: 'runtime', reason });
    void this.#keepTrying();
  }

  /** Back with what it held, without being asked. */
  async #keepTrying(): Promise<void> {
    if (this.#isTrying) return;
    this.#isTrying = true;
    // Why it does not start is told to everyone who asks for it meanwhile, and to the doctor.
    while (this.#current === undefined && !this.#closing.signal.aborted) await this.#start().catch(() => undefined);
    this.#isTrying = false;
  }
}

async function within(milliseconds: number, starting: Promise<Connection>): Promise<Connection> {
  const timer = new AbortController();
  const tooLate = delay(milliseconds, undefined, { signal: timer.signal }).then(() => {
    throw new RuntimeRefusal('runtimeUnreachable', 'The process that runs the models is being started; ask again.');
  });
  try {
    return await Promise.race([starting, tooLate]);
  } finally {
    timer.abort();
    tooLate.catch(() => undefined);
  }
}
