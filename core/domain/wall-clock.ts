/**
 * Wall clocks of time zones. A wall time is what a clock on the wall shows, written as milliseconds as if it were UTC; an
 * instant is milliseconds since the epoch. When a zone changes its clock, a wall time may name no instant, or two.
 */
const HOUR_MS = 3_600_000;
/** Further than any zone is from UTC, so that the instants of a wall time lie within this distance of it. */
const PROBE_MS = 24 * HOUR_MS;

const formats = new Map<string, Intl.DateTimeFormat>();

function formatFor(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(timeZone, format);
  }
  return format;
}

/** What the zone's clock shows at an instant, to the second. @throws RangeError for a time zone that does not exist. */
export function wallClockMs(atMs: number, timeZone: string): number {
  const parts: Record<string, number> = {};
  for (const { type, value } of formatFor(timeZone).formatToParts(atMs)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

export function isTimeZone(name: string): boolean {
  try {
    formatFor(name);
    return true;
  } catch {
    return false;
  }
}

/** How far the zone's clock is ahead of UTC at a whole second. */
export function offsetMs(atMs: number, timeZone: string): number {
  return wallClockMs(atMs, timeZone) - atMs;
}

/** The instants at which the clock shows this time, the earliest first: one; none in a gap; two where the clock is set back. */
export function instantsOf(wallMs: number, timeZone: string): number[] {
  const offsets = [offsetMs(wallMs - PROBE_MS, timeZone), offsetMs(wallMs + PROBE_MS, timeZone)];
  const found = new Set<number>();
  for (const offset of offsets) if (offsetMs(wallMs - offset, timeZone) === offset) found.add(wallMs - offset);
  return [...found].sort((a, b) => a - b);
}

/** The one instant that a wall time stands for: the first of two, and in a gap the first instant after it. */
export function instantOf(wallMs: number, timeZone: string): number {
  const [first] = instantsOf(wallMs, timeZone);
  return first ?? clockChangeBetween(wallMs - PROBE_MS, wallMs + PROBE_MS, timeZone) ?? wallMs;
}

/** The first instant of the new offset; null when the clock is not changed in (fromMs, untilMs]. Finds one change of at most one. */
export function clockChangeBetween(fromMs: number, untilMs: number, timeZone: string): number | null {
  const before = offsetMs(fromMs, timeZone);
  if (offsetMs(untilMs, timeZone) === before) return null;
  let low = Math.floor(fromMs / 1000);
  let high = Math.ceil(untilMs / 1000);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetMs(middle * 1000, timeZone) === before) low = middle;
    else high = middle;
  }
  return high * 1000;
}
