/** Which notifications go through a channel, and when. Pure; the schema is what the database holds. */
import { z } from 'zod';
import { instantOf, isTimeZone, wallClockMs } from '../wall-clock.ts';
import { isWithin, minuteOfDay } from '../clock-window.ts';
import { isAtLeast, type NotificationEvent, SEVERITIES, type Severity } from './notification.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** Quiet hours end within a week, or they are no hours. */
const QUIET_MINUTES_MAX = 8 * 24 * 60;

const time = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/);
const timeZone = z.string().max(64).refine(isTimeZone, 'There is no such time zone.');

const rule = z.strictObject({
  minSeverity: z.enum(SEVERITIES),
  /** Empty: every kind. */
  kinds: z.array(z.string().regex(/^[a-z0-9_-]{1,64}$/)).max(64),
  /** Empty: every customer. */
  customerIds: z.array(z.uuid()).max(1000),
  /** Told only when nobody has taken the alert so long; 0: at once. */
  afterMinutes: z
    .int()
    .min(0)
    .max(7 * 24 * 60),
});

export const channelRouting = z.strictObject({
  /** Any of them is enough; the one that tells soonest counts. */
  rules: z.array(rule).max(50),
  /** What follows the beginning of an alert: nothing, its end, or every step. */
  tells: z.enum(['opened', 'opened_and_resolved', 'everything']),
  quiet: z
    .strictObject({
      from: time,
      until: time,
      weekdays: z.array(z.int().min(0).max(6)).min(1).max(7).optional(),
      timeZone,
      /** Critical ones wake people up. */
      letsCriticalThrough: z.boolean(),
    })
    .nullable(),
  /** So long it waits for what belongs to the same storm. */
  gatherSeconds: z.int().min(0).max(3600),
  /** Messages within an hour; what comes on top of it waits and becomes one message with counts. */
  perHour: z.int().min(1).max(3600),
  /** The day in one message, on calm days too. */
  digest: z.strictObject({ at: time, timeZone }).nullable(),
});
export type ChannelRouting = z.infer<typeof channelRouting>;

/** How many minutes after its beginning a notification is told here; null: not here. */
export function minutesUntilTold(
  routing: ChannelRouting,
  event: Pick<NotificationEvent, 'severity' | 'kind' | 'customerId' | 'transition'>,
): number | null {
  if (!isTold(routing, event.transition)) return null;
  const waits = routing.rules
    .filter(
      (one) =>
        isAtLeast(event.severity, one.minSeverity) &&
        (one.kinds.length === 0 || one.kinds.includes(event.kind)) &&
        (one.customerIds.length === 0 || (event.customerId !== null && one.customerIds.includes(event.customerId))),
    )
    .map(({ afterMinutes }) => afterMinutes);
  return waits.length === 0 ? null : Math.min(...waits);
}

function isTold({ tells }: ChannelRouting, transition: NotificationEvent['transition']): boolean {
  switch (transition) {
    case 'resolved':
      return tells !== 'opened';
    case 'updated':
    case 'acknowledged':
    case 'snoozed':
      return tells === 'everything';
    default:
      return true;
  }
}

/** The end of the quiet hours that hold this back; null when nothing does. */
export function quietUntil({ quiet }: ChannelRouting, severity: Severity, nowMs: number): number | null {
  if (quiet === null || (quiet.letsCriticalThrough && severity === 'critical')) return null;
  const window = { from: quiet.from, until: quiet.until, weekdays: quiet.weekdays };
  const isQuiet = (atMs: number): boolean => isWithin(window, wallClockMs(atMs, quiet.timeZone));
  if (!isQuiet(nowMs)) return null;
  // Minute by minute, for clocks are changed at night: the first one that is not quiet ends it.
  let at = Math.floor(nowMs / MINUTE_MS) * MINUTE_MS;
  for (let minutes = 0; minutes < QUIET_MINUTES_MAX && isQuiet(at); minutes += 1) at += MINUTE_MS;
  return at;
}

/** The next time that this clock time comes, after `afterMs`. */
export function nextDigest(digest: { readonly at: string; readonly timeZone: string }, afterMs: number): number {
  const today = Math.floor(wallClockMs(afterMs, digest.timeZone) / DAY_MS);
  for (let day = today; ; day += 1) {
    const at = instantOf(day * DAY_MS + minuteOfDay(digest.at) * MINUTE_MS, digest.timeZone);
    if (at > afterMs) return at;
  }
}
