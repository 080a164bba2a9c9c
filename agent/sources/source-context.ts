import type { DumpFacts } from './dump-stream.ts';

/** What every source is given. */
export interface SourceContext {
  /** PATH of the programs that are run. */
  readonly searchPath: string;
  /** Stops whatever runs. */
  readonly signal: AbortSignal;
  /** A folder of the agent's own (0700) for copies that are read and removed. */
  readonly copiesPath: string;
  /** The machine's list of programs that a policy may start. */
  readonly allowedListPath: string;
  /** A dump was read to its end. */
  readonly onWhole: (facts: DumpFacts) => void;
}
