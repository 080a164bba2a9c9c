/** The steps of a drill as its page shows them, live. */

export interface DrillStep {
  readonly name: string;
  readonly state: 'waiting' | 'running' | 'done' | 'failed';
  readonly startedMs: number | null;
  readonly finishedMs: number | null;
  readonly note: string | null;
}

/** In the order in which they happen. The first four belong to every drill, the others to those that look deeper. */
const NAMES = {
  open: 'Open the vault with the drill key',
  locate: 'Find the files in the restore point',
  transfer: 'Restore them into an empty folder',
  compare: 'Compare them with what the machine saw',
  system: 'Start the system from its disk image',
  script: 'Run the script of its owner',
  provision: 'Make an empty database server',
  start: 'Start the server',
  rebuild: 'Load the dump',
  checks: 'Ask what was restored',
} as const;
export type DrillStepName = keyof typeof NAMES;
const ORDER = Object.keys(NAMES) as DrillStepName[];
const OF_EVERY_DRILL: readonly DrillStepName[] = ['open', 'locate', 'transfer', 'compare'];

/** The list of steps, moved on by the drill. Times are milliseconds since the epoch. */
export class DrillSteps {
  readonly #steps: Map<DrillStepName, DrillStep>;

  constructor(more: readonly DrillStepName[] = []) {
    this.#steps = new Map(
      ORDER.filter((name) => OF_EVERY_DRILL.includes(name) || more.includes(name)).map((name) => [
        name,
        { name: NAMES[name], state: 'waiting', startedMs: null, finishedMs: null, note: null },
      ]),
    );
  }

  /**
   * Begins a step; those before it are done, and so is a later one that ran: with the second of two databases it goes back.
   * One that is not on the list is not shown.
   */
  begin(name: DrillStepName, nowMs: number): void {
    const step = this.#steps.get(name);
    if (step === undefined || step.state === 'running') return;
    const at = ORDER.indexOf(name);
    for (const [other, now] of this.#steps)
      if (now.state === 'running' || (now.state === 'waiting' && ORDER.indexOf(other) < at))
        this.#steps.set(other, { ...now, state: 'done', startedMs: now.startedMs ?? nowMs, finishedMs: nowMs });
    this.#steps.set(name, { ...step, state: 'running', startedMs: step.startedMs ?? nowMs, finishedMs: null });
  }

  /** Ends the step that runs; without one (nothing had begun), the first. After a pass none is left that waits. */
  end(state: 'done' | 'failed', nowMs: number, note: string | null = null): void {
    const names = [...this.#steps.keys()];
    const name = names.find((one) => this.#steps.get(one)!.state === 'running') ?? names[0]!;
    const step = this.#steps.get(name)!;
    this.#steps.set(name, { ...step, state, startedMs: step.startedMs ?? nowMs, finishedMs: nowMs, note });
    if (state === 'failed') return;
    for (const [other, now] of this.#steps)
      if (now.state === 'waiting') this.#steps.set(other, { ...now, state: 'done', note: 'There was nothing to do.' });
  }

  list(): DrillStep[] {
    return [...this.#steps.values()];
  }
}
