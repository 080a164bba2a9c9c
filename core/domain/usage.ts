/**
 * What a customer used, as it is billed: measured several times a day from rows, the highest value of the month counts, and a
 * month that is over is written down once. Bytes are whole numbers; days are texts such as 2026-11-21 by the customer's clock.
 */

export interface UsageDay {
  readonly day: string;
  /** What the newest usable restore point of each source holds, together. */
  readonly protectedBytes: bigint;
  /** What lies in the object store, all versions, damaged and replaced objects included: they take room as well. */
  readonly storedBytes: bigint;
  /** Enrolled and not revoked. */
  readonly devices: number;
  /** Restore tests that reached a verdict on the day. */
  readonly drills: number;
}

export interface UsageFigures {
  /** The highest values of the month, each with the first day on which it was reached. */
  readonly protectedBytes: bigint;
  readonly protectedOn: string | null;
  readonly storedBytes: bigint;
  readonly storedOn: string | null;
  readonly devices: number;
  readonly devicesOn: string | null;
  readonly drills: number;
  /** The mean over the measured days, rounded down: what is billed by the gigabyte and month. */
  readonly storedBytesMean: bigint;
  /** A day on which the service did not run was not measured; it counts for nothing and is told. */
  readonly daysMeasured: number;
}

/** The days of one month, in any order. Two rows of one day are a defect of the caller. */
export function usageOfMonth(days: readonly UsageDay[]): UsageFigures {
  const inOrder = [...days].sort((a, b) => (a.day < b.day ? -1 : 1));
  const highest = <T extends bigint | number>(pick: (day: UsageDay) => T, zero: T): { value: T; on: string | null } =>
    inOrder.reduce<{ value: T; on: string | null }>(
      (best, day) => (best.on === null || pick(day) > best.value ? { value: pick(day), on: day.day } : best),
      { value: zero, on: null },
    );
  const ofProtected = highest((day) => day.protectedBytes, 0n);
  const ofStored = highest((day) => day.storedBytes, 0n);
  const ofDevices = highest((day) => day.devices, 0);
  const sum = inOrder.reduce((all, { storedBytes }) => all + storedBytes, 0n);
  return {
    protectedBytes: ofProtected.value,
    protectedOn: ofProtected.on,
    storedBytes: ofStored.value,
    storedOn: ofStored.on,
    devices: ofDevices.value,
    devicesOn: ofDevices.on,
    drills: inOrder.reduce((all, { drills }) => all + drills, 0),
    storedBytesMean: inOrder.length === 0 ? 0n : sum / BigInt(inOrder.length),
    daysMeasured: inOrder.length,
  };
}

/** The same day measured again: what was highest stays. The count of drills is that of the whole day each time. */
export function laterMeasurement(before: UsageDay | null, now: UsageDay): UsageDay {
  if (before === null) return now;
  return {
    day: now.day,
    protectedBytes: before.protectedBytes > now.protectedBytes ? before.protectedBytes : now.protectedBytes,
    storedBytes: before.storedBytes > now.storedBytes ? before.storedBytes : now.storedBytes,
    devices: Math.max(before.devices, now.devices),
    drills: now.drills,
  };
}
