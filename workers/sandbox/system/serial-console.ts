/** The serial console of an emulated machine: what it says, without the signs that steer terminals, and a keyboard. */

/** So much of the end is kept. */
const KEPT_CHARS = 64 * 1024;
// oxlint-disable-next-line no-control-regex
const ESCAPES =
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[()*+#%][A-Za-z0-9@]|[=>78A-Za-z])/g;
/** One that has begun and may go on in the next piece. */
// oxlint-disable-next-line no-control-regex
const BEGUN = /\u001b[^\u001b]{0,31}$/;

export class SerialConsole {
  readonly #type: (bytes: string) => void;
  readonly #decoder = new TextDecoder();
  #begun = '';
  #text = '';
  /** Characters that were said before those of `#text`. */
  #dropped = 0;

  /** `type`: gets what is typed. */
  constructor(type: (bytes: string) => void) {
    this.#type = type;
  }

  hear(piece: Uint8Array): void {
    let said = (this.#begun + this.#decoder.decode(piece, { stream: true })).replaceAll(ESCAPES, '');
    this.#begun = BEGUN.exec(said)?.[0] ?? '';
    said = said.slice(0, said.length - this.#begun.length);
    const all = this.#text + said.replaceAll(/\r\n?/g, '\n').replaceAll('\0', '');
    this.#text = all.slice(-KEPT_CHARS);
    this.#dropped += all.length - this.#text.length;
  }

  /** Where the words end when they were said at or after a place; undefined where they were not (yet). */
  heard(words: string, from = 0): number | undefined {
    const at = this.#text.indexOf(words, Math.max(0, from - this.#dropped));
    return at === -1 ? undefined : at + words.length + this.#dropped;
  }

  get text(): string {
    return this.#text;
  }

  /** With the return key behind it. */
  typeLine(line: string): void {
    this.#type(`${line}\r`);
  }
}
