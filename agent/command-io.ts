import type { AgentEnv } from './env.ts';

/** Where a command writes, and what stops it: given from outside, so that tests can listen. */
export interface CommandIo {
  out(line: string): void;
  err(line: string): void;
  /** A line that replaces the one before; undefined where the output is no terminal. */
  readonly progress: ((line: string) => void) | undefined;
  /** Fires on Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
  /** All of the standard input, for a token that must not stand in the process list. */
  readInput(): Promise<string>;
  readonly env: AgentEnv;
}

/** As restic's: done, failed, wrong use, some data could not be read or written. */
export const EXIT = { done: 0, failed: 1, usage: 2, partial: 3 } as const;

/** Wrong use of a command: exit code 2, with the sentence and a hint at --help. */
export class UsageError extends Error {}
