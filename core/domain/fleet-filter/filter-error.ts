import { HoldfastError } from '../../base/errors.ts';

/** What is wrong with a filter, in plain words, and where: characters from `start` to before `end`. */
export class FilterError extends HoldfastError {
  readonly start: number;
  readonly end: number;

  constructor(message: string, start: number, end: number) {
    super('bad_request', message, { detail: { start, end } });
    this.start = start;
    this.end = end;
  }
}
