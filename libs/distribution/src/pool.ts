/**
 * Runs tasks, never more than `width()` at a time; `next` gives undefined when there is nothing to start. Resolves when all
 * that began have ended and none is left; after a failure none is started, and it rejects with the first one.
 */
export function runPool(next: () => (() => Promise<void>) | undefined, width: () => number): Promise<void> {
  return new Promise((resolve, reject) => {
    let running = 0;
    let failure: { readonly error: unknown } | undefined;
    const ended = (): void => {
      running -= 1;
      fill();
    };
    const failed = (error: unknown): void => {
      failure ??= { error };
      ended();
    };
    const fill = (): void => {
      while (!failure && running < width()) {
        const task = next();
        if (!task) break;
        running += 1;
        task().then(ended, failed);
      }
      if (running > 0) return;
      if (failure) reject(failure.error as Error);
      else resolve();
    };
    fill();
  });
}
