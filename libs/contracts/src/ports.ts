// The ports that every driver shares. Production passes real ones, the simulation passes simulated ones; a driver cannot tell.
// Ports of one library only stand in that library.

/** Milliseconds. `monotonic` for deadlines, soaks and leases; `wall` for windows, expiry and people (T1). */
export interface Clock {
  monotonic(): number;
  wall(): number;
}

/** Resolves after `ms`, or rejects with the signal's reason when it aborts first. */
export interface Timers {
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Random bytes from the operating system in production, from a seed in a simulation. */
export interface Random {
  bytes(length: number): Uint8Array;
}

export interface Ids {
  uuid(): string;
  /** 22 characters of base64url: 16 random bytes. */
  nonce(): string;
}

/** Structured, and never given a prompt, a reply or a key. */
export interface Log {
  info(event: string, fields?: Record<string, unknown>): void;
  warn(event: string, fields?: Record<string, unknown>): void;
  error(event: string, fields?: Record<string, unknown>): void;
}
