import { z } from 'zod';
import { readTextFile, writeSecretFile } from './files.ts';

/**
 * The keys that a runtime may store something for, in a file: what an earlier start of the agent left behind in a runtime of
 * its own life (Ollama's copies) is found again, and given up. Written before the runtime is asked to load.
 */
export class KeptKeys {
  readonly #path: string;
  readonly #keys: Set<string>;

  constructor(path: string) {
    this.#path = path;
    this.#keys = new Set(readKeys(readTextFile(path)));
  }

  list(): readonly string[] {
    return [...this.#keys];
  }

  add(key: string): void {
    if (this.#keys.has(key)) return;
    this.#keys.add(key);
    this.#write();
  }

  delete(key: string): void {
    if (this.#keys.delete(key)) this.#write();
  }

  #write(): void {
    writeSecretFile(this.#path, JSON.stringify(this.list()));
  }
}

/** A file that cannot be read costs a copy on a disk, never a start. */
function readKeys(text: string | null): readonly string[] {
  if (text === null) return [];
  try {
    return z.array(z.string()).parse(JSON.parse(text));
  } catch {
    return [];
  }
}
