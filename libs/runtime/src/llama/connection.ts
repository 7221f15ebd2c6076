import type { ChildProcess } from 'node:child_process';

import { RuntimeRefusal } from '../refusal.ts';
import { heard } from './heard.ts';
import type { Ask, Say } from './wire.ts';

type Unnumbered<Message> = Message extends { readonly id: number } ? Omit<Message, 'id'> : never;
export type Request = Unnumbered<Exclude<Ask, { ask: 'cancel' }>>;
export type Reply = Exclude<Say, { say: 'ready' | 'cannotStart' | 'text' | 'refused' }>;

interface Pending {
  readonly onText: (text: string) => void;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (refusal: RuntimeRefusal) => void;
}

/** One living child. When it ends, whatever waits for it is refused with `runtimeExited`. */
export class Connection {
  readonly version: string;
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #end: RuntimeRefusal | undefined;

  private constructor(child: ChildProcess, version: string) {
    this.#child = child;
    this.version = version;
  }

  /** Waits until the child is ready; `onExit` is called once when it ends afterwards. */
  static open(child: ChildProcess, onExit: (reason: string) => void): Promise<Connection> {
    return new Promise((resolve, reject) => {
      let connection: Connection | undefined;
      const ended = (reason: string): void => {
        child.kill('SIGKILL');
        if (connection === undefined) reject(new RuntimeRefusal('runtimeUnreachable', cannotStart(reason)));
        else if (connection.#ended(reason)) onExit(reason);
      };
      child.on('error', (cause) => ended(cause.message));
      child.on('exit', (code, signal) => ended(signal === null ? `it ended with code ${code}` : `killed by ${signal}`));
      child.on('message', (message) => {
        const said = heard(message);
        if (said === undefined) ended('it said what is not in its language');
        else if (said.say === 'cannotStart') ended(said.reason);
        else if (said.say !== 'ready') {
          if (connection !== undefined) connection.#hear(said);
        } else {
          connection ??= new Connection(child, said.version);
          resolve(connection);
        }
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
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
      this.#pending.set(id, { onText, resolve, reject });
      this.#send({ ...request, id });
    });
    return { reply, cancel: () => this.#pending.has(id) && this.#send({ ask: 'cancel', id }) };
  }

  kill(): void {
    this.#child.kill('SIGKILL');
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
  #ended(reason: string): boolean {
    if (this.#end !== undefined) return false;
    this.#end = new RuntimeRefusal(
      'runtimeExited',
      `The process that runs the models ended (${reason}); it is started again, so ask again.`,
    );
    for (const pending of this.#pending.values()) pending.reject(this.#end);
    this.#pending.clear();
    return true;
  }
}

const cannotStart = (reason: string): string =>
  `The process that runs the models does not start (${reason}); see "openward node doctor".`;
