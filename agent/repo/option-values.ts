/** Values of command-line options as node:util hands them over, and as commands want them. */
import { UsageError } from '../command-io.ts';

export type OptionValues = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

/** @throws UsageError when the option is missing or empty. */
export function needed(values: OptionValues, name: string, meaning: string): string {
  const value = text(values, name);
  if (value === undefined) throw new UsageError(`--${name} ${meaning}, is missing.`);
  return value;
}

/** @throws UsageError for an empty one, which a script makes of a variable that is not set. */
export function text(values: OptionValues, name: string): string | undefined {
  const value = values[name];
  if (value === '') throw new UsageError(`--${name} is empty.`);
  return typeof value === 'string' ? value : undefined;
}

/** @throws UsageError for anything but a whole number from 1 on. */
export function count(values: OptionValues, name: string): number | undefined {
  const value = text(values, name);
  if (value !== undefined && !/^[1-9]\d{0,8}$/.test(value)) throw new UsageError(`--${name} is not a count from 1 on.`);
  return value === undefined ? undefined : Number(value);
}

export function texts(values: OptionValues, name: string): readonly string[] {
  const value = values[name];
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

/** @throws UsageError for a word that is not among those that the option knows. */
export function oneOf<Word extends string>(
  values: OptionValues,
  name: string,
  words: readonly Word[],
): Word | undefined {
  const value = text(values, name);
  const found = words.find((word) => word === value);
  if (value !== undefined && found === undefined) throw new UsageError(`--${name} is one of ${words.join(', ')}.`);
  return found;
}
