/** How the repository commands talk: lines for people, or objects for programs. */
import type { RepoIo } from './repo-command.ts';

const PROGRESS_EVERY_MS = { terminal: 200, json: 1000 } as const;

/** Names may hold anything: control characters would steer the terminal. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (letter) => {
    const code = letter.codePointAt(0)!.toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`;
  });
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 2 : 1)} ${UNITS[unit]}`;
}

/** 1,234,567. The runtime's own way first loads what it knows of all languages, a fiftieth of a second. */
export function numberText(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

export function countText(count: number, one: string, many = `${one}s`): string {
  return `${numberText(count)} ${count === 1 ? one : many}`;
}

export function secondsText(seconds: number): string {
  return seconds < 60 ? `${seconds.toFixed(1)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** The line of progress goes before anything else is said: what follows it on a terminal would stand behind it. */
export function clearingProgress<Io extends Pick<RepoIo, 'out' | 'err' | 'progress'>>(io: Io): Io {
  const { progress } = io;
  if (progress === undefined) return io;
  let isShown = false;
  const clear = (): void => {
    if (isShown) progress('');
    isShown = false;
  };
  return {
    ...io,
    out: (line: string) => {
      clear();
      io.out(line);
    },
    err: (line: string) => {
      clear();
      io.err(line);
    },
    progress: (line: string) => {
      isShown = line !== '';
      progress(line);
    },
  };
}

/** Calls `tell` at most so often; it decides between a line that is replaced and an object. */
export function progressTeller(
  io: RepoIo,
  isJson: boolean,
  nowMs: () => number,
): (json: () => object, line: () => string) => void {
  if (!isJson && io.progress === undefined) return () => undefined;
  const everyMs = isJson ? PROGRESS_EVERY_MS.json : PROGRESS_EVERY_MS.terminal;
  let lastMs = nowMs();
  return (json, line) => {
    const now = nowMs();
    if (now - lastMs < everyMs) return;
    lastMs = now;
    if (isJson) io.out(JSON.stringify({ type: 'progress', ...json() }));
    else io.progress?.(printable(line()));
  };
}
