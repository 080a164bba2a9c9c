/** The rule by which a zone's clocks go in all years to come: `CET-1CEST,M3.5.0,M10.5.0/3`, as POSIX spells it and Go reads it. */

const NAME = '(?:<[^>]+>|[^\\d,+<-]{3,})';
const TIME = '[+-]?\\d{1,3}(?::\\d{1,2}(?::\\d{1,2})?)?';
const DAY = '(?:J?\\d{1,3}|M\\d{1,2}\\.\\d\\.\\d)';
const RULE = new RegExp(
  `^${NAME}(${TIME})(?:${NAME}(${TIME})?(?:[,;](${DAY})(?:/(${TIME}))?,(${DAY})(?:/(${TIME}))?)?)?$`,
);
const STANDARD_ONLY = new RegExp(`^${NAME}${TIME}$`);
const DAY_SECONDS = 86_400;
const HOUR_SECONDS = 3600;

/** Seconds east of UTC at an instant; undefined for a text that is no rule. */
export function zoneRule(text: string): ((epochSeconds: number) => number) | undefined {
  const match = RULE.exec(text);
  if (match === null) return undefined;
  const [, standardText, summerText, from = 'M3.2.0', fromTime = '2', to = 'M11.1.0', toTime = '2'] = match;
  const standard = 0 - secondsOf(standardText!); // the pattern has it
  if (STANDARD_ONLY.test(text)) return () => standard;
  const summer = summerText === undefined ? standard + HOUR_SECONDS : 0 - secondsOf(summerText);
  return (epochSeconds) => {
    const year = new Date(epochSeconds * 1000).getUTCFullYear();
    const yearStart = new Date(0).setUTCFullYear(year) / 1000;
    const begin = daysInto(year, from) * DAY_SECONDS + secondsOf(fromTime) - standard;
    const end = daysInto(year, to) * DAY_SECONDS + secondsOf(toTime) - summer;
    const now = epochSeconds - yearStart;
    // South of the equator summer goes over the end of the year.
    return begin <= end === (now >= Math.min(begin, end) && now < Math.max(begin, end)) ? summer : standard;
  };
}

function secondsOf(text: string): number {
  const [hours, minutes = '0', seconds = '0'] = text.replace(/^[+-]/, '').split(':');
  const total = Number(hours) * HOUR_SECONDS + Number(minutes) * 60 + Number(seconds);
  return text.startsWith('-') ? 0 - total : total;
}

/** Days from the first of January to the day that a rule names. */
function daysInto(year: number, day: string): number {
  // The calendar repeats after 400 years, weekdays too.
  const alike = 2000 + (((year % 400) + 400) % 400);
  if (day.startsWith('J')) {
    const number = Number(day.slice(1)); // the 29th of February is not counted
    return number >= 60 && new Date(Date.UTC(alike, 1, 29)).getUTCMonth() === 1 ? number : number - 1;
  }
  if (!day.startsWith('M')) return Number(day);
  const [month, week, weekday] = day.slice(1).split('.').map(Number) as [number, number, number]; // as the pattern has it
  const first = new Date(Date.UTC(alike, month - 1, 1));
  const monthDays = new Date(Date.UTC(first.getUTCFullYear(), month, 0)).getUTCDate();
  let date = (weekday - first.getUTCDay() + 7) % 7;
  for (let number = 1; number < week && date + 7 < monthDays; number += 1) date += 7;
  return (first.getTime() - Date.UTC(first.getUTCFullYear(), 0, 1)) / (DAY_SECONDS * 1000) + date;
}
