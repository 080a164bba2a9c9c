/** In the child: starts a system from a restored disk image and watches until what was declared is seen, or cannot come any more. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DrillCheck } from '../../../core/domain/drill-checks.ts';
import { bootWords } from '../../../core/domain/system-test-words.ts';
import type { BootTest } from '../../../core/domain/system-tests.ts';
import { PICTURE_FILE } from '../limits.ts';
import type { BootTask, SandboxProgress, SystemResult } from '../messages.ts';
import { plainOutput } from '../open/programs.ts';
import { askPort, type PortAnswer } from './ask-port.ts';
import { inspectImage } from './disk-image.ts';
import { FORWARDED, Machine, type Screen } from './machine.ts';
import { changedShare, isOneColour, surrender, wordsOfSystem } from './picture.ts';
import { SignIn } from './sign-in.ts';

const POLL_MS = 100;
const LOOK_EVERY_MS = 1000;
const PORT_ANSWER_MS = 10_000;
/** A clock and a cursor may move on a screen that stands still. */
const STILL_SHARE = 0.01;
/** A loader may say something that sounds like the end and go on: the system has so long to show otherwise. */
const SURRENDER_MS = 3000;
/** Of what the console said, in the look's output. */
const CONSOLE_CHARS = 4000;

/** What may show that a system came up. */
const SIGNS = ['serial', 'screen', 'port', 'login'] as const;
type Sign = (typeof SIGNS)[number];

type State = Pick<DrillCheck, 'state' | 'output'>;

export async function runBootTask(task: BootTask, progress: (now: SandboxProgress) => void): Promise<SystemResult> {
  progress({ step: 'system', filesDone: 0, bytesDone: 0 });
  const startedMs = performance.now();
  const name = task.subject.slice(task.subject.lastIndexOf('/') + 1).slice(0, 120);
  const disk = await inspectImage(task.image);
  if ('reason' in disk) {
    const output = `The system in ${name} was not started. ${disk.reason}`;
    const check = bootCheck(task, name, 0, { state: disk.isDamaged ? 'failed' : 'skipped', output });
    return { checks: [check], hasPicture: false, software: {}, timings: { provisionMs: 0, startMs: 0, checksMs: 0 } };
  }
  const machine = await Machine.powerOn({ image: task.image, disk, test: task.test, pictureFile: PICTURE_FILE });
  const poweredMs = performance.now();
  try {
    const watch = new Watch(machine, task);
    await watch.run();
    const answeredMs = performance.now();
    const screen = await machine.look();
    const software = await machine.software();
    const checks = watch.checks(name, Math.round(answeredMs - poweredMs), screen);
    return {
      ...{ checks, hasPicture: screen !== undefined, software },
      timings: {
        provisionMs: Math.round(poweredMs - startedMs),
        startMs: Math.round(answeredMs - poweredMs),
        checksMs: Math.round(performance.now() - answeredMs),
      },
    };
  } finally {
    machine.end();
  }
}

function bootCheck({ subject, test }: BootTask, name: string, ms: number, { state, output }: State): DrillCheck {
  const expected = bootWords({ ...test, port: undefined, login: undefined }).join('; ');
  return {
    ...{ kind: 'boot', name: `The system in ${name} starts`, subject, state, ms },
    ...{ expected: expected === '' ? null : expected, actual: null, output },
  };
}

/** What was declared, and which of it was seen. */
class Watch {
  readonly #machine: Machine;
  readonly #task: BootTask;
  readonly #test: BootTest;
  readonly #signIn: SignIn | undefined;
  readonly #startedMs = performance.now();
  /** What was declared and not yet seen; and how long each of the others took to be seen. */
  readonly #waiting: Set<Sign>;
  readonly #tookMs = new Map<Sign, number>();
  #lookedMs = Number.NEGATIVE_INFINITY;
  #last: Screen | undefined;
  /** Since when the screen shows the same. */
  #stillSinceMs: number | undefined;
  #surrender: { readonly words: string; readonly atMs: number } | undefined;
  #asking = false;
  #answer: PortAnswer | undefined;

  constructor(machine: Machine, task: BootTask) {
    this.#machine = machine;
    this.#task = task;
    this.#test = task.test;
    const { login, serial, screen, port } = task.test;
    this.#signIn = login === undefined ? undefined : new SignIn(login, task.password, machine.console);
    const declared = { serial, screen, port, login };
    this.#waiting = new Set(SIGNS.filter((sign) => declared[sign] !== undefined));
  }

  async run(): Promise<void> {
    while (this.#waiting.size > 0 && !this.#isHopeless) {
      this.#listen();
      this.#askPort();
      if (performance.now() - this.#lookedMs >= LOOK_EVERY_MS) await this.#look();
      this.#noteSurrender(this.#machine.console.text);
      if (this.#waiting.size > 0) await sleep(POLL_MS);
    }
    // A system may say its last word and switch itself off.
    this.#listen();
  }

  #listen(): void {
    const { serial } = this.#test;
    if (serial !== undefined && this.#machine.console.heard(serial) !== undefined) this.#see('serial');
    this.#signIn?.goOn();
    if (this.#signIn?.isDone === true) this.#see('login');
  }

  #see(sign: Sign): void {
    if (this.#waiting.delete(sign)) this.#tookMs.set(sign, Math.round(performance.now() - this.#startedMs));
  }

  get #isHopeless(): boolean {
    const nowMs = performance.now();
    return (
      this.#machine.ending !== undefined ||
      nowMs - this.#startedMs > this.#test.withinSeconds * 1000 ||
      (this.#surrender !== undefined && nowMs - this.#surrender.atMs > SURRENDER_MS)
    );
  }

  async #look(): Promise<void> {
    this.#lookedMs = performance.now();
    const screen = await this.#machine.look();
    if (screen === undefined) return;
    const isStill = this.#last !== undefined && changedShare(screen.picture, this.#last.picture) <= STILL_SHARE;
    this.#last = screen;
    if (screen.text !== undefined) this.#noteSurrender(screen.text);
    if (isBlank(screen) || !isStill) this.#stillSinceMs = undefined;
    else this.#stillSinceMs ??= this.#lookedMs;
    const { screen: wish } = this.#test;
    if (wish === undefined || this.#stillSinceMs === undefined || this.#surrender !== undefined) return;
    const hasWords = wish.contains === undefined || screen.text?.includes(wish.contains) === true;
    if (hasWords && this.#lookedMs - this.#stillSinceMs >= wish.stableSeconds * 1000) this.#see('screen');
  }

  #noteSurrender(text: string): void {
    const words = surrender(text);
    if (words !== undefined) this.#surrender ??= { words, atMs: performance.now() };
  }

  /** One connection after another; the system may need minutes until its service listens. */
  #askPort(): void {
    const { port } = this.#test;
    if (port === undefined || this.#asking || !this.#waiting.has('port')) return;
    this.#asking = true;
    void askPort(FORWARDED, port, PORT_ANSWER_MS).then(async (answer) => {
      if (answer.text !== '' || this.#answer === undefined) this.#answer = answer;
      if (answer.isExpected) this.#see('port');
      await sleep(LOOK_EVERY_MS);
      this.#asking = false;
    });
  }

  checks(name: string, ms: number, screen: Screen | undefined): DrillCheck[] {
    const { port, login } = this.#test;
    return [
      this.#bootCheck(name, ms, screen),
      ...(port === undefined ? [] : [this.#portCheck(name, port, ms)]),
      ...(login === undefined ? [] : [this.#loginCheck(name, ms)]),
    ];
  }

  #bootCheck(name: string, ms: number, screen: Screen | undefined): DrillCheck {
    const seen = this.#seen(screen);
    const own = SIGNS.filter((sign) => (sign === 'serial' || sign === 'screen') && this.#test[sign] !== undefined);
    const signs = own.length > 0 ? own : SIGNS.filter((sign) => this.#test[sign] !== undefined);
    const isUp = signs.every((sign) => !this.#waiting.has(sign));
    const tookMs = isUp ? Math.max(...signs.map((sign) => this.#tookMs.get(sign) ?? 0)) : ms;
    const why = isUp
      ? `The system in ${name} came up.`
      : `The system in ${name} did not come up: ${this.#ending}. ${this.#missing}`.trim();
    const check = bootCheck(this.#task, name, tookMs, {
      state: isUp ? 'passed' : 'failed',
      output: `${why}\n${seen}`.trim(),
    });
    return { ...check, actual: isUp ? `after ${(tookMs / 1000).toFixed(1)} s` : this.#ending };
  }

  get #missing(): string {
    const { serial, screen } = this.#test;
    const missing = [
      ...(this.#waiting.has('serial') ? [`“${serial}” was not seen on the serial console.`] : []),
      ...(this.#waiting.has('screen') ? [this.#screenMissing(screen?.contains)] : []),
    ];
    return missing.join(' ');
  }

  #screenMissing(contains: string | undefined): string {
    if (this.#last === undefined) return 'There was no picture of the screen.';
    if (isBlank(this.#last)) return 'The screen stayed blank.';
    if (contains !== undefined && this.#last.text?.includes(contains) !== true)
      return `“${contains}” was not seen on the screen.`;
    return 'The screen did not come to rest.';
  }

  get #ending(): string {
    if (this.#surrender !== undefined) return `it gave up with “${this.#surrender.words}”`;
    const { ending } = this.#machine;
    return ending ?? `the ${this.#test.withinSeconds} s that it may take were over`;
  }

  #seen(screen: Screen | undefined): string {
    const said = plainOutput(this.#machine.console.text, CONSOLE_CHARS);
    const shown = screen === undefined ? 'not to be seen' : screenWords(screen);
    return `The screen at the end: ${shown}\n${said === '' ? 'The serial console said nothing.' : `The serial console, at its end:\n${said}`}`;
  }

  #portCheck(name: string, { port, expect }: NonNullable<BootTest['port']>, ms: number): DrillCheck {
    const text = plainOutput(this.#answer?.text ?? '', 1000);
    const said = text === '' ? 'Nothing answered' : 'What answered said something else';
    const took = this.#tookMs.get('port');
    return {
      ...{ kind: 'port', name: `Port ${port} of the system in ${name} answers`, subject: this.#task.subject },
      ...{
        expected: expect,
        actual: text === '' ? 'no answer' : text,
        state: took === undefined ? 'failed' : 'passed',
      },
      ms: took ?? ms,
      output: took !== undefined ? '' : `${said} at port ${port} of the system in ${name}, and ${this.#ending}.`,
    };
  }

  #loginCheck(name: string, ms: number): DrillCheck {
    const { stepsDone = 0, waitsFor = '', isDone = false } = this.#signIn ?? {};
    const steps = this.#test.login?.length ?? 0;
    return {
      ...{ kind: 'login', name: `A sign-in to the system in ${name} works`, subject: this.#task.subject },
      ms: this.#tookMs.get('login') ?? ms,
      expected: `“${this.#test.login?.at(-1)?.expect}” after ${steps} ${steps === 1 ? 'step' : 'steps'}`,
      actual: isDone ? 'signed in' : `${stepsDone} of ${steps} steps`,
      state: isDone ? 'passed' : 'failed',
      output: isDone
        ? ''
        : `The sign-in to the system in ${name} came to step ${stepsDone + 1}, where “${waitsFor}” was not seen on the serial console, and ${this.#ending}.`,
    };
  }
}

/** Nothing but one colour, or nothing but the firmware's own words, shows nothing of the system. */
function isBlank({ picture, text }: Screen): boolean {
  return text === undefined ? isOneColour(picture) : wordsOfSystem(text) === '';
}

function screenWords(screen: Screen): string {
  const { picture, text } = screen;
  if (text !== undefined) return text === '' ? 'blank' : `text\n${text}`;
  return isOneColour(picture) ? 'blank' : `graphics, ${picture.width} by ${picture.height}`;
}
