/** Figures as people read them. Pure: time zone and "now" come in by parameter, so server and browser write the same text. */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** "40 s", "12 min", "5 h 10 min", "3 days 4 h". Two units at most, never rounded up to the next one. */
export function formatDuration(durationMs: number): string {
  const ms = Math.max(0, durationMs);
  if (ms < MINUTE_MS) return `${Math.floor(ms / 1000)} s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`;
  if (ms < 2 * DAY_MS) return joinUnits(Math.floor(ms / HOUR_MS), 'h', Math.floor((ms % HOUR_MS) / MINUTE_MS), 'min');
  const days = Math.floor(ms / DAY_MS);
  return joinUnits(days, 'days', days < 10 ? Math.floor((ms % DAY_MS) / HOUR_MS) : 0, 'h');
}

/** The part of a run or drill in milliseconds where seconds are too coarse: "740 ms", "3.2 s", "2 min 5 s". */
export function formatElapsed(elapsedMs: number): string {
  if (elapsedMs < 1000) return `${Math.round(elapsedMs)} ms`;
  if (elapsedMs < MINUTE_MS) return `${(Math.floor(elapsedMs / 100) / 10).toFixed(1)} s`;
  if (elapsedMs < HOUR_MS)
    return joinUnits(Math.floor(elapsedMs / MINUTE_MS), 'min', Math.floor((elapsedMs % MINUTE_MS) / 1000), 's');
  return formatDuration(elapsedMs);
}

function joinUnits(first: number, firstUnit: string, second: number, secondUnit: string): string {
  return second === 0 ? `${first} ${firstUnit}` : `${first} ${firstUnit} ${second} ${secondUnit}`;
}

/** "12 min ago", "in 2 h", "just now" within ten seconds. */
export function formatRelative(atMs: number, nowMs: number): string {
  const distance = nowMs - atMs;
  if (Math.abs(distance) < 10_000) return 'just now';
  return distance > 0 ? `${formatDuration(distance)} ago` : `in ${formatDuration(-distance)}`;
}

const BYTE_UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** Decimal units, three digits: "1.24 GB". */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  if (unit === 0) return `${value} ${value === 1 ? 'byte' : 'bytes'}`;
  // Cut rather than round, so that 999.9 kB never reads as 1000 kB.
  const decimals = value < 10 ? 2 : value < 100 ? 1 : 0;
  const scale = 10 ** decimals;
  return `${(Math.floor(value * scale + 1e-9) / scale).toFixed(decimals)} ${BYTE_UNITS[unit]}`;
}

/** "20,431". */
export function formatCount(count: number): string {
  return Math.trunc(count)
    .toString()
    .replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** "1 file", "20,431 files". */
export function formatCountOf(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** "21 Nov 2026, 14:05:09 UTC": the exact time that stands behind each age. */
export function formatExact(atMs: number, timeZone: string): string {
  return new Intl.DateTimeFormat('en-GB', {
    timeZone,
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'short',
  }).format(atMs);
}

/** "21 Nov, 14:05" for tables. */
export function formatShort(atMs: number, timeZone: string): string {
  return new Intl.DateTimeFormat('en-GB', {
    timeZone,
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
  }).format(atMs);
}

/** "12 November". */
export function formatDay(atMs: number, timeZone: string): string {
  return new Intl.DateTimeFormat('en-GB', { timeZone, day: 'numeric', month: 'long' }).format(atMs);
}

/** A label of a time axis, as fine as its span needs: seconds, minutes or days. */
export function formatTick(atMs: number, spanMs: number, timeZone: string): string {
  if (spanMs > 36 * HOUR_MS) return formatShort(atMs, timeZone);
  const seconds = spanMs < HOUR_MS ? { second: '2-digit' as const } : {};
  return new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', ...seconds }).format(atMs);
}
