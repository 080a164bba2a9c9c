import { stripVTControlCharacters } from 'node:util';
import type { Failure, SuiteCount } from './count-results.ts';

/** Enough to know what is wrong, and few enough that those who see only the end of a log see all of them. */
const ERROR_LINES_MAX = 10;
const OUTPUT_LINES_MAX = 4;
const LINE_CHARS_MAX = 200;
/** When everything fails, the first ones say why. */
const DETAILED_MAX = 20;

/** Lines that name everything that failed, also if only once: suite, file, full name, the first lines of the error and of what it printed. */
export function listFailures(results: readonly { suite: string; count: SuiteCount }[]): string[] {
  const found = results.flatMap(({ suite, count }) => [
    ...ownFailures(count).map((failure) => ({ word: 'FAILED', suite, failure })),
    ...(count.unsteady ?? []).map((failure) => ({ word: 'UNSTEADY', suite, failure })),
  ]);
  return found.flatMap(({ word, suite, failure }, at) => {
    const place = [suite, failure.file, failure.name].filter((part) => part !== '').join(' > ');
    const head = `${word} ${stripVTControlCharacters(place).replaceAll('\n', ' ')}`;
    if (at >= DETAILED_MAX) return [head];
    const printed = firstLines(failure.output, OUTPUT_LINES_MAX).map((line) => `    printed: ${line}`);
    return [head, ...firstLines(failure.error, ERROR_LINES_MAX).map((line) => `    ${line}`), ...printed];
  });
}

/** A complaint that no test stands for is a failure of its own. */
function ownFailures({ failures, complaint }: SuiteCount): readonly Failure[] {
  if (complaint === undefined) return failures;
  return [...failures, { file: '', name: '', error: complaint, output: '' }];
}

function firstLines(text: string, max: number): string[] {
  const lines = stripVTControlCharacters(text)
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '');
  const first = lines.slice(0, max).map((line) => line.slice(0, LINE_CHARS_MAX));
  return lines.length > max ? [...first, `(and ${lines.length - max} more lines)`] : first;
}
