import { HoldfastError } from '../../core/base/errors.ts';
import { killGroup } from '../services/process-identity.ts';
import { type ProgramSpec, type RunningProgram, logTail, startProgram } from '../services/program.ts';
import type { ProcessLedger } from './process-ledger.ts';

/** Waits before the first, second and third restart. */
const RESTART_WAITS_MS = [500, 2000, 8000] as const;
/** After so long without an end the count begins anew. */
const STEADY_MS = 10 * 60_000;

export interface SupervisorOptions {
  ledger: ProcessLedger;
  /** Says what happened, one sentence a line. */
  say: (sentence: string) => void;
  /** A program ended again and again; the caller stops everything and ends with this sentence. */
  onHopeless: (error: HoldfastError) => void;
  restartWaitsMs?: readonly number[];
}

/**
 * Runs the service's programs: starts them one by one, starts one again that ends by itself, and stops them in an order.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #running = new Map<string, RunningProgram>();
  #isStopping = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Starts a program, waits until it is ready, and keeps it running from then on. */
  async start(spec: ProgramSpec): Promise<void> {
    await this.#launch(spec);
    void this.#watch(spec);
  }

  /** Whether this program runs at this moment. */
  isRunning(name: string): boolean {
    return this.#running.has(name);
  }

  /** Stops programs in this order of names, one after the other; a name that does not run is passed over. */
  async stop(order: readonly string[]): Promise<void> {
    this.#isStopping = true;
    for (const name of order) await this.#running.get(name)?.stop();
  }

  /** For the second Ctrl-C: ends these at once; databases are never among them. */
  kill(names: readonly string[]): void {
    for (const name of names) {
      const program = this.#running.get(name);
      if (program !== undefined) killGroup(program.record.pid);
    }
  }

  async #launch(spec: ProgramSpec): Promise<void> {
    if (this.#isStopping) throw new HoldfastError('cancelled', 'The service is being stopped.');
    await startProgram(spec, (program) => {
      this.#running.set(spec.name, program);
      this.#options.ledger.add(program.record);
      void program.ended.then(() => this.#running.delete(spec.name));
      // A stop that came while this was being spawned did not see it.
      if (this.#isStopping) void program.stop();
    });
  }

  async #watch(spec: ProgramSpec): Promise<void> {
    const waits = this.#options.restartWaitsMs ?? RESTART_WAITS_MS;
    let restarts = 0;
    for (;;) {
      const startedMs = performance.now();
      const end = await this.#running.get(spec.name)?.ended;
      if (this.#isStopping) return;
      if (performance.now() - startedMs > STEADY_MS) restarts = 0;
      const how = end?.signal == null ? `with code ${end?.code ?? 'unknown'}` : `by ${end.signal}`;
      const waitMs = waits[restarts];
      if (waitMs === undefined) {
        this.#options.onHopeless(
          new HoldfastError(
            'service_missing',
            `The ${spec.name} ended ${restarts + 1} times and does not stay up. The service stops; what was backed up is safe in the data folder. The log is ${spec.logPath}, and ends with:\n${logTail(spec.logPath)}`,
          ),
        );
        return;
      }
      restarts += 1;
      this.#options.say(
        `The ${spec.name} ended ${how}; it is started again (${restarts} of ${waits.length}). Its log is ${spec.logPath}.`,
      );
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      try {
        await this.#launch(spec);
      } catch {
        // It ended while it started: the next turn counts it, and says so.
        if (this.#isStopping) return;
      }
    }
  }
}
