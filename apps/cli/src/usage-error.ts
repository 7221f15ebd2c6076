/** The command line is wrong in a way that the parser cannot see. Ends with the exit code for usage. */
export class UsageError extends Error {
  readonly next: string;
  constructor(message: string, next: string) {
    super(message);
    this.name = 'UsageError';
    this.next = next;
  }
}
