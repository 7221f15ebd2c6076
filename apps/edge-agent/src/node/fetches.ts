import type { FetchProgress } from './artifacts.ts';

const MOST = 16;

/** How far the newest transfers are, for a person here; no more than a person would look at. */
export class Fetches {
  readonly #byFile = new Map<string, FetchProgress>();
  /** Of whole transfers since the agent's start, over the link. */
  totalBytes = 0;

  note(progress: FetchProgress): void {
    this.#byFile.delete(progress.file);
    this.#byFile.set(progress.file, progress);
    for (const file of this.#byFile.keys()) {
      if (this.#byFile.size <= MOST) return;
      this.#byFile.delete(file);
    }
  }

  /** What was given up is of no interest any more. */
  keepOnly(files: ReadonlySet<string>): void {
    for (const file of this.#byFile.keys()) if (!files.has(file)) this.#byFile.delete(file);
  }

  list(): readonly FetchProgress[] {
    return [...this.#byFile.values()];
  }
}
