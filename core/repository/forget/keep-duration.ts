/** Spans of the calendar, as restic's `--keep-within` takes them: `1y5m7d2h`. */
import { localZone, parseGoTime, utcZone, type ZoneOffset } from '../format/go-text.ts';

export interface KeepDuration {
  readonly years: number;
  readonly months: number;
  readonly days: number;
  readonly hours: number;
}

const NS_PER_SECOND = 1_000_000_000n;
const PARTS = /(\d{1,6})([ymdh])/gy;
const UNITS = { y: 'years', m: 'months', d: 'days', h: 'hours' } as const;

/** Undefined when the text is no span, or one of nothing. */
export function parseKeepDuration(text: string): KeepDuration | undefined {
  const span = { years: 0, months: 0, days: 0, hours: 0 };
  let end = 0;
  for (const match of text.trim().matchAll(PARTS)) {
    span[UNITS[match[2] as keyof typeof UNITS]] = Number(match[1]); // the pattern lets no other letter through
    end = match.index + match[0].length;
  }
  const isWhole = end > 0 && end === text.trim().length;
  return isWhole && span.years + span.months + span.days + span.hours > 0 ? span : undefined;
}

export function keepDurationText({ years, months, days, hours }: KeepDuration): string {
  const part = (count: number, unit: string): string => (count === 0 ? '' : `${count}${unit}`);
  return part(years, 'y') + part(months, 'm') + part(days, 'd') + part(hours, 'h');
}

/** A stored time: its instant, and what clock and calendar showed where it was written. */
export interface StoredTime {
  readonly ns: bigint;
  /** The wall clock there, as if it were UTC. */
  readonly wall: Date;
  /** How that place's clock goes on other days: the machine's own zone where the offset is the machine's, else a fixed one. */
  readonly zone: ZoneOffset;
}

/** Undefined for what is no RFC 3339. */
export function storedTime(text: string, local: ZoneOffset = localZone): StoredTime | undefined {
  const ns = parseGoTime(text);
  if (ns === undefined) return undefined;
  const seconds = secondsOf(ns);
  const match = /([+-])(\d\d):(\d\d)$/.exec(text);
  const minutes = match === null ? 0 : (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3]));
  const isLocal = match !== null && local(seconds) === minutes * 60;
  const zone = match === null ? utcZone : isLocal ? local : () => minutes * 60;
  return { ns, wall: new Date((seconds + minutes * 60) * 1000), zone };
}

/** The instant that many years, months, days (by the calendar of that place) and then hours earlier. */
export function before({ ns, wall, zone }: StoredTime, span: KeepDuration): bigint {
  const date = new Date(wall);
  // In one step: the 31st of a month two months before one with 30 days is the 1st of the next, as Go has it.
  date.setUTCFullYear(
    wall.getUTCFullYear() - span.years,
    wall.getUTCMonth() - span.months,
    wall.getUTCDate() - span.days,
  );
  const seconds = Math.floor(date.getTime() / 1000);
  // The offset of that day's wall clock; near a change of the clock the first guess may be an hour off.
  const guess = seconds - zone(seconds);
  const instant = seconds - zone(guess) - span.hours * 3600;
  const fraction = ((ns % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND;
  return BigInt(instant) * NS_PER_SECOND + fraction;
}

function secondsOf(ns: bigint): number {
  const fraction = ((ns % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND;
  return Number((ns - fraction) / NS_PER_SECOND);
}
