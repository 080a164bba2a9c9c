import { z } from 'zod';
import { backupSources } from './backup-source.ts';
import { closestMinutes, parseCron } from './cron.ts';
import { isTimeZone } from './wall-clock.ts';

const timeZone = z.string().min(1).max(64).refine(isTimeZone, 'There is no such time zone.');

/** What both kinds of schedule share. All of it may be left out: the defaults are in run-decision.ts. */
const terms = {
  /** After so many minutes a failed backup is tried again, one entry a try, while its window is open. Empty: it is not. */
  retryMinutes: z
    .array(
      z
        .int()
        .min(1)
        .max(24 * 60),
    )
    .max(9)
    .optional(),
  /** Is a backup that was missed, by a machine that slept or was away, made when it is back? Once, whatever it missed. */
  catchUp: z.boolean().optional(),
};

/** A restore point is expected every so many minutes, counted from midnight UTC plus the device's spread. */
const intervalSchedule = z.strictObject({
  everyMinutes: z
    .int()
    .min(15)
    .max(7 * 24 * 60),
  /** How long after it was due a run may commit and still be on time. */
  windowMinutes: z
    .int()
    .min(5)
    .max(24 * 60),
  ...terms,
});

/** Two backups of one device are never planned closer than this; the interval's smallest value. */
const APART_MINUTES_MIN = 15;

/** A restore point is expected at times of the calendar. */
const calendarSchedule = z
  .strictObject({
    /** Expressions of five fields, by the wall clock of the zone: when the backup window opens. */
    cron: z.array(z.string().min(9).max(200)).min(1).max(16),
    /** The customer's own when it is left out. */
    timeZone: timeZone.optional(),
    /** The window in which a run may begin. Devices are spread over its first half. */
    windowMinutes: z
      .int()
      .min(5)
      .max(24 * 60),
    /** So long after the window opened, a run that is not done is stopped; the next one goes on from there. */
    endMinutes: z
      .int()
      .min(5)
      .max(48 * 60)
      .optional(),
    ...terms,
  })
  .superRefine((schedule, context) => {
    const refuse = (message: string): void => context.addIssue({ code: 'custom', message });
    try {
      if (closestMinutes(schedule.cron.map(parseCron)) < APART_MINUTES_MIN)
        refuse(`Two times of the schedule lie less than ${APART_MINUTES_MIN} minutes apart.`);
    } catch (error) {
      refuse(error instanceof Error ? error.message : 'The schedule cannot be read.');
    }
    if (schedule.endMinutes !== undefined && schedule.endMinutes < schedule.windowMinutes)
      refuse('The end of the backup lies before the end of its window.');
  });

const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/);
/** Slower than this, a single pack would outlast the lease of its upload. */
const bytesPerSecond = z
  .int()
  .min(16 * 1024)
  .max(2 ** 40)
  .nullable();

export const speedLimits = z.strictObject({
  /** The customer's own when it is left out. */
  timeZone: timeZone.optional(),
  rules: z
    .array(
      z.strictObject({
        /** 0 is Sunday; every day when it is left out. A rule past midnight belongs to the day on which it begins. */
        weekdays: z.array(z.int().min(0).max(6)).min(1).max(7).optional(),
        /** By the wall clock, 24 hours; `until` before or at `from` is on the next day. */
        from: clockTime,
        until: clockTime,
        /** Null: not limited by this rule. */
        upBytesPerSecond: bytesPerSecond,
        downBytesPerSecond: bytesPerSecond,
      }),
    )
    .max(64),
});
export type SpeedLimits = z.infer<typeof speedLimits>;

/** How and how often a restore is tested. What is left out: the newest point, a sample of it, at any hour. */
export const drillPlan = z.strictObject({
  /** 3: files are restored and compared. 4: the application opens what was restored. 5: the system starts, or a script says so. */
  level: z.union([z.literal(3), z.literal(4), z.literal(5)]),
  everyHours: z
    .int()
    .min(1)
    .max(24 * 92),
  /** Files in the seeded sample, beside the canary. */
  sampleFiles: z.int().min(1).max(10_000),
  point: z.enum(['latest', 'random', 'oldest']).optional(),
  /** For a random point: not older than so many days; 30 when it is left out. */
  withinDays: z.int().min(1).max(3660).optional(),
  scope: z.enum(['sample', 'full']).optional(),
  /** Hours in which drills begin, by the customer's clock; `until` before or at `from` is on the next day. */
  hours: z
    .strictObject({
      weekdays: z.array(z.int().min(0).max(6)).min(1).max(7).optional(),
      from: clockTime,
      until: clockTime,
    })
    .optional(),
});
export type DrillPlanTerms = z.infer<typeof drillPlan>;

/**
 * Which restore points are kept, as restic counts them: what any one of these keeps stays. The newest usable point and the newest
 * one that a drill has proven stay whatever is written here. Without it everything is kept.
 */
export const retentionTerms = z
  .strictObject({
    last: z.int().min(1).max(10_000).optional(),
    hourly: z.int().min(1).max(10_000).optional(),
    daily: z.int().min(1).max(10_000).optional(),
    weekly: z.int().min(1).max(10_000).optional(),
    monthly: z.int().min(1).max(10_000).optional(),
    yearly: z.int().min(1).max(1000).optional(),
    /** All of so many days, counted back from the newest. */
    withinDays: z.int().min(1).max(3660).optional(),
  })
  .refine((terms) => Object.values(terms).some((count) => count !== undefined), 'Nothing would be kept.');
export type RetentionTerms = z.infer<typeof retentionTerms>;

/**
 * What a device has to do, as the agent receives it and as the portal edits it. One document, versioned as a whole: the
 * agent reports the version that it obeys. Unknown keys are refused on both sides.
 */
export const policyDocument = z
  .strictObject({
    /** Folders and files to protect; absolute. May be empty where there are sources. */
    paths: z.array(z.string().min(1).max(4096)).max(256),
    excludes: z.array(z.string().min(1).max(4096)).max(1024).default([]),
    /** Databases, commands, and folders with hooks; in this order. */
    sources: backupSources.optional(),
    schedule: z.union([intervalSchedule, calendarSchedule]),
    /**
     * No scheduled backup is expected or begun before this instant; people may still order one. To end a pause early, set it
     * to the present: without it, what was not expected during the pause would count as missed.
     */
    pausedUntilMs: z.int().min(0).optional(),
    /** How fast data may travel. The tightest of the rules in force counts; without one, as fast as the line is. */
    limits: speedLimits.optional(),
    /** Targets in minutes: how much may be lost, and how long a restore may take. */
    rpoMinutes: z
      .int()
      .min(15)
      .max(31 * 24 * 60),
    rtoMinutes: z
      .int()
      .min(5)
      .max(31 * 24 * 60),
    /** Share of selected bytes that may be unread while a partial run still counts. 0.001 is 0.1 %. */
    partialToleranceShare: z.number().min(0).max(1).default(0.001),
    drill: drillPlan,
    /** Deeper or wider drills at longer intervals, say a full one of level 4 each month. */
    moreDrills: z.array(drillPlan).max(8).optional(),
    /** A matter of the service: agents are not told, and cannot remove anything. */
    retention: retentionTerms.optional(),
    /** May the device restore its own data without a grant from the portal? */
    selfRestore: z.boolean().default(false),
  })
  .refine(({ paths, sources }) => paths.length + (sources?.length ?? 0) > 0, 'There is nothing to protect.');

export type PolicyDocument = z.infer<typeof policyDocument>;
export type IntervalSchedule = z.infer<typeof intervalSchedule>;
export type CalendarSchedule = z.infer<typeof calendarSchedule>;
export type BackupSchedule = IntervalSchedule | CalendarSchedule;

/**
 * The document as an agent gets it: with the customer's zone where it names none, for the agent knows no customer; and without what
 * is the service's own, for an older agent refuses a key that it does not know, and the whole policy with it.
 */
export function withTimeZone(policy: PolicyDocument, customerTimeZone: string): PolicyDocument {
  const { schedule, limits, retention: _, ...rest } = policy;
  return {
    ...rest,
    schedule: 'cron' in schedule ? { ...schedule, timeZone: schedule.timeZone ?? customerTimeZone } : schedule,
    ...(limits === undefined ? {} : { limits: { ...limits, timeZone: limits.timeZone ?? customerTimeZone } }),
  };
}
