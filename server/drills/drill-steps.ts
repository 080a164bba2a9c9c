/** The steps of a drill as its page shows them, live. */

export interface DrillStep {
  readonly name: string;
  readonly state: 'waiting' | 'running' | 'done' | 'failed';
  readonly startedMs: number | null;
  readonly finishedMs: number | null;
  readonly note: string | null;
}

const NAMES = {
  open: 'Open the vault with the drill key',
  locate: 'Find the files in the restore point',
  transfer: 'Restore them into an empty folder',
  compare: 'Compare them with what the machine saw',
} as const;
export type DrillStepName = keyof typeof NAMES;
const ORDER = Object.keys(NAMES) as DrillStepName[];

/** The list of steps, moved on by the drill. Times are milliseconds since the epoch. */
export class DrillSteps {
  readonly #steps: Map<DrillStepName, DrillStep>;

  constructor() {
    this.#steps = new Map(
      ORDER.map((name) => [
        name,
        { name: NAMES[name], state: 'waiting', startedMs: null, finishedMs: null, note: null },
      ]),
    );
  }

  /** Begins a step; those before it are done. */
  begin(name: DrillStepName, nowMs: number): void {
    for (const earlier of ORDER) {
      if (earlier === name) break;
      const step = this.#steps.get(earlier)!;
      if (step.state === 'running' || step.state === 'waiting')
        this.#steps.set(earlier, { ...step, state: 'done', startedMs: step.startedMs ?? nowMs, finishedMs: nowMs });
    }
    const step = this.#steps.get(name)!;
    if (step.state === 'waiting') this.#steps.set(name, { ...step, state: 'running', startedMs: nowMs });
  }

  /** Ends the step that runs; without one (nothing had begun), the first. */
  end(state: 'done' | 'failed', nowMs: number, note: string | null = null): void {
    const name = ORDER.find((one) => this.#steps.get(one)!.state === 'running') ?? ORDER[0]!;
    const step = this.#steps.get(name)!;
    this.#steps.set(name, { ...step, state, startedMs: step.startedMs ?? nowMs, finishedMs: nowMs, note });
  }

  list(): DrillStep[] {
    return [...this.#steps.values()];
  }
}
