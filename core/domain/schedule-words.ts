/** A policy's times in plain words, for the portal and the terminal. Pure; the zone of a calendar is named where it has one. */
import { parseCron } from './cron.ts';
import type { BackupSchedule, SpeedLimits } from './policy.ts';

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const SHORT = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
/** More times a day than this are counted, not listed. */
const TIMES_LISTED_MAX = 6;

/** Such as "every hour, on time within 30 min" or "at 22:00 on Mon to Fri (Europe/Berlin), begins within 2 h". */
export function scheduleWords(schedule: BackupSchedule): string {
  const parts = [
    rhythmWords(schedule),
    `${'cron' in schedule ? 'begins' : 'on time'} within ${minutesWords(schedule.windowMinutes)}`,
  ];
  if ('cron' in schedule && schedule.endMinutes !== undefined)
    parts.push(`is stopped after ${minutesWords(schedule.endMinutes)}`);
  if (schedule.retryMinutes?.length === 0) parts.push('not tried again after a failure');
  else if (schedule.retryMinutes !== undefined)
    parts.push(`after a failure tried again after ${joined(schedule.retryMinutes.map(minutesWords), 'then')}`);
  if (schedule.catchUp === false) parts.push('a missed one is not caught up');
  return parts.join(', ');
}

/** When alone, without its terms: "every hour", "at 22:00 on Mon to Fri (Europe/Berlin)". */
export function rhythmWords(schedule: BackupSchedule): string {
  if (!('cron' in schedule)) return everyWords(schedule.everyMinutes);
  return `${schedule.cron.map(cronWords).join('; and ')}${schedule.timeZone === undefined ? '' : ` (${schedule.timeZone})`}`;
}

function everyWords(minutes: number): string {
  if (minutes === 60) return 'every hour';
  return minutes === 24 * 60 ? 'every day' : `every ${minutesWords(minutes)}`;
}

/** One sentence a rule; none when nothing is limited. */
export function limitsWords(limits: SpeedLimits | undefined): string[] {
  const zone = limits?.timeZone === undefined ? '' : ` (${limits.timeZone})`;
  return (limits?.rules ?? []).map((rule) => {
    const days = rule.weekdays === undefined ? 'every day' : daysWords(rule.weekdays);
    const isWholeDay = rule.from === rule.until;
    const time = isWholeDay ? `for 24 hours from ${rule.from}` : `from ${rule.from} to ${rule.until}`;
    return `${days} ${time}${zone}: ${speedWords(rule)}`;
  });
}

/** Such as "at most 1 MB/s up, 500 kB/s down". */
export function speedWords(rates: {
  readonly upBytesPerSecond: number | null;
  readonly downBytesPerSecond: number | null;
}): string {
  const { upBytesPerSecond: up, downBytesPerSecond: down } = rates;
  const parts = [
    ...(up === null ? [] : [`${bytesWords(up)}/s up`]),
    ...(down === null ? [] : [`${bytesWords(down)}/s down`]),
  ];
  return parts.length === 0 ? 'not limited' : `at most ${parts.join(', ')}`;
}

function cronWords(expression: string): string {
  const cron = parseCron(expression);
  const [, , domText = '*', , dowText = '*'] = expression.trim().split(/\s+/);
  const times = cron.minutesOfDay;
  const at =
    times.length > TIMES_LISTED_MAX
      ? `${times.length} times a day from ${clock(times[0]!)} to ${clock(times.at(-1)!)}`
      : `at ${joined(times.map(clock), 'and')}`;
  const week = dowText === '*' ? [] : [`on ${daysWords([...cron.weekdays])}`];
  const month =
    domText === '*'
      ? []
      : [`on day ${joined([...cron.daysOfMonth].sort((a, b) => a - b).map(String), 'and')} of the month`];
  // Cron's own rule: two restricted day fields widen one another, unless one begins with a star.
  const isEither = !cron.isEveryDayOfMonth && !cron.isEveryWeekday;
  const days =
    week.length + month.length === 0 ? ['every day'] : [[...week, ...month].join(isEither ? ' or ' : ' and ')];
  const months =
    cron.months.size === 12
      ? []
      : [
          `in ${joined(
            [...cron.months].sort((a, b) => a - b).map((month_) => MONTHS[month_ - 1]!),
            'and',
          )}`,
        ];
  return [at, ...days, ...months].join(' ');
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** The week begins with Monday; neighbours are drawn together from three on. */
function daysWords(weekdays: readonly number[]): string {
  const order = [...new Set(weekdays)].map((day) => (day + 6) % 7).sort((a, b) => a - b);
  if (order.length === 7) return 'every day';
  const name = (day: number): string => (order.length === 1 ? WEEKDAYS : SHORT)[(day + 1) % 7]!;
  const [first, last] = [order[0]!, order.at(-1)!];
  if (order.length > 2 && last - first === order.length - 1) return `${name(first)} to ${name(last)}`;
  return joined(order.map(name), 'and');
}

function clock(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
}

function joined(items: readonly string[], word: string): string {
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(', ')} ${word} ${items.at(-1)!}`;
}

function minutesWords(minutes: number): string {
  const units = [
    [Math.floor(minutes / 1440), 'day'],
    [Math.floor((minutes % 1440) / 60), 'h'],
    [minutes % 60, 'min'],
  ] as const;
  const parts = units
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit === 'day' && count > 1 ? 'days' : unit}`);
  return parts.length === 0 ? '0 min' : parts.join(' ');
}

function bytesWords(bytes: number): string {
  const [size, unit] = bytes >= 1e9 ? [1e9, 'GB'] : bytes >= 1e6 ? [1e6, 'MB'] : [1e3, 'kB'];
  return `${Number((bytes / size).toPrecision(3))} ${unit}`;
}
