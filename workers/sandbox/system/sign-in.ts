import type { BootTest } from '../../../core/domain/system-tests.ts';
import type { SerialConsole } from './serial-console.ts';

/** A sign-in at the serial console: each step waits for words behind those of the one before, and then types. */
export class SignIn {
  readonly #steps: NonNullable<BootTest['login']>;
  readonly #password: string | null;
  readonly #console: SerialConsole;
  #next = 0;
  #place = 0;

  constructor(steps: NonNullable<BootTest['login']>, password: string | null, console: SerialConsole) {
    this.#steps = steps;
    this.#password = password;
    this.#console = console;
  }

  /** Goes as far as the console lets it. */
  goOn(): void {
    for (let step = this.#steps[this.#next]; step !== undefined; step = this.#steps[this.#next]) {
      const end = this.#console.heard(step.expect, this.#place);
      if (end === undefined) return;
      this.#place = end;
      this.#next += 1;
      if (step.sendsPassword === true) this.#console.typeLine(this.#password ?? '');
      else if (step.send !== undefined) this.#console.typeLine(step.send);
    }
  }

  get isDone(): boolean {
    return this.#next === this.#steps.length;
  }

  /** What it waits for. */
  get waitsFor(): string {
    return this.#steps[this.#next]?.expect ?? '';
  }

  get stepsDone(): number {
    return this.#next;
  }
}
