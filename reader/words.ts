/** Sizes, times and names as people read them. */
import { utf8Of } from '../core/base/bytes.ts';

const UNITS = ['bytes', 'KB', 'MB', 'GB', 'TB', 'PB'];

export function sizeWords(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  if (unit === 0) return bytes === 1 ? '1 byte' : `${bytes} bytes`;
  return `${value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${UNITS[unit]}`;
}

export function countWords(count: number, one: string, many: string): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

/** A stored time in the zone of this computer; the stored text when it is no time. */
export function timeWords(stored: string): string {
  const time = new Date(stored);
  if (Number.isNaN(time.getTime())) return stored;
  return time.toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
}

/** Characters that show nothing, break lines or turn the direction of text: a name must not look like another one. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu;

/** A name as it can be shown and told apart. */
export function visibleName(name: Uint8Array | string): string {
  const text = typeof name === 'string' ? name : utf8Of(name);
  return text.replace(UNSEEN, (unseen) => `\\u{${unseen.codePointAt(0)!.toString(16)}}`);
}

/** A name that any system takes for a file. */
export function savedName(name: Uint8Array): string {
  const plain = visibleName(name).replace(/[\\/:*?"<>|]/g, '_');
  return plain.replace(/^\.+|[. ]+$/g, '_') || 'file';
}
