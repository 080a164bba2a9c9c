/** On a pipe or in a file a line is written this often at most, unless something else is said. */
const PLAIN_INTERVAL_MS = 10_000;

export interface Terminal {
  isTTY?: boolean | undefined;
  columns?: number | undefined;
  write(text: string): unknown;
}

/** One line that is rewritten in place on a terminal, and plain lines now and then elsewhere. */
export class ProgressLine {
  readonly #terminal: Terminal;
  readonly #nowMs: () => number;
  #isShown = false;
  #lastText = '';
  #lastStage = '';
  #lastPlainMs = Number.NEGATIVE_INFINITY;

  constructor(terminal: Terminal, nowMs: () => number = () => performance.now()) {
    this.#terminal = terminal;
    this.#nowMs = nowMs;
  }

  /** `stage` names what is done; a new one is written at once even where lines are not rewritten. */
  update(stage: string, text: string): void {
    if (text === this.#lastText) return;
    if (this.#terminal.isTTY === true) {
      const columns = this.#terminal.columns ?? 80;
      this.#terminal.write(`\r\u001b[2K${text.length < columns ? text : `${text.slice(0, columns - 2)}…`}`);
      this.#isShown = true;
    } else {
      const isDue = stage !== this.#lastStage || this.#nowMs() - this.#lastPlainMs >= PLAIN_INTERVAL_MS;
      if (!isDue) return;
      this.#terminal.write(`${text}\n`);
      this.#lastPlainMs = this.#nowMs();
    }
    this.#lastText = text;
    this.#lastStage = stage;
  }

  /** Writes a line that stays. */
  say(text: string): void {
    if (this.#isShown) this.#terminal.write('\r\u001b[2K');
    this.#isShown = false;
    this.#lastText = '';
    this.#terminal.write(`${text}\n`);
  }
}
