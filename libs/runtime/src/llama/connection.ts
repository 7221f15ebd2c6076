import type { ChildProcess } from 'node:child_process';

import { RuntimeRefusal } from '../refusal.ts';
import { exitOf, type Exit } from './exits.ts';
import { heard } from './heard.ts';
import type { Ask, Say } from './wire.ts';

type Unnumbered<Message> = Message extends { readonly id: number } ? Omit<Message, 'id'> : never;
export type Request = Unnumbered<Exclude<Ask, { ask: 'cancel' }>>;
export type Reply = Exclude<Say, { say: 'ready' | 'cannotStart' | 'text' | 'refused' }>;

interface Pending {
  readonly ask: Request['ask'];
  readonly onText: (text: string) => void;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (refusal: RuntimeRefusal) => void;
}

/**
 * One living child. When it ends, whatever waits for it is refused with `runtimeExited`; but a load whose child crashes is
 * `modelNotLoadable`, since it would crash the next one too.
 */
export class Connection {
  readonly version: string;
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #end: RuntimeRefusal | undefined;
  #hasCrashed = false;

  readonly #endNow: (exit: Exit) => void;

  private constructor(child: ChildProcess, version: string, endNow: (exit: Exit) => void) {
    this.#child = child;
    this.version = version;
    this.#endNow = endNow;
  }

  /** Waits until the child is ready, and ends one that never is; `onExit` is called once when it ends afterwards. */
  static open(child: ChildProcess, deadline: number, onExit: (reason: string) => void): Promise<Connection> {
    return new Promise((resolve, reject) => {
      let connection: Connection | undefined;
      const tooLate = setTimeout(
        () => ended({ reason: `it was not ready within ${Math.round(deadline / 1000)} s`, isCrash: false }),
        deadline,
      );
      const ended = (exit: Exit): void => {
        const { reason } = exit;
        clearTimeout(tooLate);
        child.kill('SIGKILL');
        if (connection === undefined) reject(new RuntimeRefusal('runtimeUnreachable', cannotStart(reason)));
        else if (connection.#ended(exit)) onExit(reason);
      };
      child.on('error', ({ message }) => ended({ reason: message, isCrash: false }));
      child.on('exit', (code, signal) => ended(exitOf(code, signal)));
      child.on('message', (message) => {
        const said = heard(message);
        if (said === undefined) ended({ reason: 'it said what is not in its language', isCrash: true });
        else if (said.say === 'cannotStart') ended({ reason: said.reason, isCrash: false });
        else if (said.say !== 'ready') {
          if (connection !== undefined) connection.#hear(said);
        } else {
          clearTimeout(tooLate);
          connection ??= new Connection(child, said.version, ended);
          resolve(connection);
        }
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  /** It ended, and nothing from outside ended it. */
  get hasCrashed(): boolean {
    return this.#hasCrashed;
  }

  /** Asks and waits for the reply. Returns the way to stop a generation, too. */
  ask(
    request: Request,
    onText: (text: string) => void = () => undefined,
  ): { reply: Promise<Reply>; cancel: () => void } {
    const id = this.#nextId;
    this.#nextId += 1;
    const reply = new Promise<Reply>((resolve, reject) => {
      if (this.#end !== undefined) return reject(this.#end);
      this.#pending.set(id, { ask: request.ask, onText, resolve, reject });
      this.#send({ ...request, id });
    });
    return { reply, cancel: () => this.#pending.has(id) && this.#send({ ask: 'cancel', id }) };
  }

  /** It has ended when this returns, for everyone who waits for it; a process that hangs in the kernel goes when it can. */
  kill(): void {
    this.#endNow({ reason: 'killed by SIGKILL', isCrash: false });
  }

  #send(ask: Ask): void {
    // An error means that the channel is gone; the exit that comes with it refuses what waits.
    this.#child.send(ask, () => undefined);
  }

  #hear(said: Exclude<Say, { say: 'ready' | 'cannotStart' }>): void {
    const pending = this.#pending.get(said.id);
    if (pending === undefined) return;
    if (said.say === 'text') return pending.onText(said.text);
    this.#pending.delete(said.id);
    if (said.say === 'refused') pending.reject(new RuntimeRefusal(said.code, said.reason));
    else pending.resolve(said);
  }

  /** True the first time. */
  #ended({ reason, isCrash }: Exit): boolean {
    if (this.#end !== undefined) return false;
    this.#hasCrashed = isCrash;
    this.#end = new RuntimeRefusal(
      'runtimeExited',
      `The process that runs the models ended (${reason}); it is started again, so ask again.`,
    );
    for (const { ask, reject } of this.#pending.values()) {
      const isLoad = ask === 'load' || ask === 'openVocabulary';
      reject(isCrash && isLoad ? new RuntimeRefusal('modelNotLoadable', crashes(reason)) : this.#end);
    }
    this.#pending.clear();
    return true;
  }
}

const cannotStart = (reason: string): string =>
  `The process that runs the models does not start (${reason}); see "openward node doctor".`;
const crashes = (reason: string): string =>
  `The process that runs the models ended while it loaded this model (${reason}); have the file made anew.`;
