/** The sweep on a real database: what is expected, what became of it, which alerts stand; and the month that follows from it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { monthWindow } from '../../core/domain/calendar.ts';
import { peakExposure } from '../../core/domain/sla/exposure.ts';
import { rpoAttainment } from '../../core/domain/sla/rpo.ts';
import { newId } from '../../core/base/ids.ts';
import { recordHeartbeat } from '../../server/devices/record-heartbeat.ts';
import { enqueueIntent } from '../../server/jobs/intents.ts';
import { type StartedServices, startWorkerServices } from '../testing/start-worker-services.ts';
import { TestDevice } from '../testing/test-device.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
let services: StartedServices;
let device: TestDevice;

beforeAll(async () => {
  services = await startWorkerServices();
});
afterAll(() => services.stop());
beforeEach(async () => {
  // Hourly, half an hour of window (the server's test policy). Due at once, at enrolment.
  device = await TestDevice.enrol(services, { 'canary.txt': 'sing' });
});

async function sweep(times = 1): Promise<void> {
  for (let n = 0; n < times; n++) {
    await device.sql((tx) =>
      enqueueIntent(tx, device.tenant.system, 'schedule-sweep', {}, { dedupeKey: 'schedule-sweep' }),
    );
    expect(await device.work(['schedule-sweep'])).toEqual(['done']);
  }
}

const occurrences = async () =>
  await device.sql((tx) =>
    tx.expectedOccurrence.findMany({ where: { tenantId: device.tenant.id }, orderBy: { dueAt: 'asc' } }),
  );
const outcomes = async () => (await occurrences()).map(({ outcome }) => outcome).filter((outcome) => outcome !== null);
const alertsEver = async () =>
  (await device.sql((tx) => tx.alert.findMany({ where: { tenantId: device.tenant.id } })))
    .map(({ kind }) => kind)
    .sort();

describe('expected backups', () => {
  test('are written for a day ahead, once however often it sweeps', async () => {
    await sweep();
    const first = await occurrences();
    expect(first.length).toBeGreaterThanOrEqual(24);
    expect(first.at(-1)!.dueAt.getTime()).toBeGreaterThanOrEqual(services.clock.nowMs() + 24 * HOUR);
    await sweep(2);
    expect(await occurrences()).toEqual(first);
  });
  test('follow a changed policy; what was due already stays', async () => {
    await sweep();
    const enrolment = (await occurrences())[0]!;
    await device.setPolicy({ schedule: { everyMinutes: 720, windowMinutes: 60 } });
    await sweep();
    const planned = await occurrences();
    expect(planned[0]!.id).toBe(enrolment.id);
    expect(planned.length).toBeLessThanOrEqual(5);
    for (const one of planned.slice(1)) expect(one.windowEnd.getTime() - one.dueAt.getTime()).toBe(HOUR);
  });
  test('follow a calendar in the customer’s zone, and stop for a pause', async () => {
    const calendar = { cron: ['0 22 * * *'], timeZone: 'Europe/Berlin', windowMinutes: 60, endMinutes: 180 };
    await device.setPolicy({ schedule: calendar });
    await sweep();
    const planned = (await occurrences()).slice(1);
    expect(planned.length).toBeGreaterThanOrEqual(1);
    const hour = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Berlin', hour: '2-digit' });
    for (const { dueAt, windowEnd } of planned) {
      expect(hour.format(dueAt)).toBe('22');
      expect(hour.format(windowEnd)).toBe('01');
    }
    const pausedUntilMs = services.clock.nowMs() + 10 * 24 * HOUR;
    await device.setPolicy({ schedule: calendar, pausedUntilMs });
    await sweep();
    expect((await occurrences()).slice(1).every(({ dueAt }) => dueAt.getTime() >= pausedUntilMs)).toBe(true);
  });
  test('of three days of sleep are offered as one backup, the newest, and after it none', async () => {
    await device.setPolicy({ schedule: { everyMinutes: 720, windowMinutes: 60 } });
    await sweep();
    services.clock.advance(72 * HOUR);
    await sweep();
    let sequence = 0;
    const beat = async () => {
      const said = { sequence: ++sequence, agentVersion: '0.1.0', policyVersion: 1, running: null, commandIds: [] };
      return (await recordHeartbeat(services, device.scope, said)).due;
    };
    const due = (await occurrences()).filter(({ dueAt }) => dueAt.getTime() <= services.clock.nowMs());
    expect(due.length).toBeGreaterThanOrEqual(6);
    const offered = await beat();
    expect(offered?.occurrenceId).toBe(due.at(-1)!.id);
    await device.backUp({ occurrenceId: offered!.occurrenceId });
    expect(await beat()).toBeNull();
  });
  test('are filled in for the time in which nobody swept', async () => {
    await sweep();
    services.clock.advance(40 * HOUR);
    await sweep();
    const due = (await occurrences()).filter(({ dueAt }) => dueAt.getTime() <= services.clock.nowMs());
    expect(due.length).toBeGreaterThanOrEqual(40);
    // All but the newest, whose window may be open.
    expect(due.slice(0, -1).every(({ outcome }) => outcome === 'missed')).toBe(true);
  });
});

describe('what became of them', () => {
  test('no run until window and grace are over is missed; one alert stands, and a backup closes it', async () => {
    await sweep();
    // Where in the hour a device is due follows from its id: one whose second backup is due this soon would stay missed.
    for (let due = await occurrences(); due[1]!.dueAt.getTime() - due[0]!.dueAt.getTime() < 45 * MINUTE; ) {
      device = await TestDevice.enrol(services, { 'canary.txt': 'sing' });
      await sweep();
      due = await occurrences();
    }
    services.clock.advance(30 * MINUTE);
    await sweep();
    expect(await outcomes()).toEqual([]);
    services.clock.advance(6 * MINUTE);
    await sweep(3);
    expect(await outcomes()).toEqual(['missed']);
    expect(await device.openAlerts()).toEqual(['missed']);
    expect(await alertsEver()).toEqual(['missed']);
    const occurrence = (await occurrences())[0]!;
    await device.backUp({ occurrenceId: occurrence.id });
    expect(await outcomes()).toEqual(['late']);
    expect(await device.openAlerts()).toEqual([]);
    await sweep(2);
    expect(await device.openAlerts()).toEqual([]);
    expect(await alertsEver()).toEqual(['missed']);
  });
  test('a run that falls silent is ended, its occurrence is stuck, one alert stands', async () => {
    await sweep();
    const occurrence = (await occurrences())[0]!;
    const { startRun } = await import('../../server/runs/start-run.ts');
    const { runId } = await startRun(services, device.scope, {
      sourceId: device.enrolled.source.id,
      trigger: 'schedule',
      occurrenceId: occurrence.id,
      commandId: null,
    });
    services.clock.advance(29 * MINUTE);
    await sweep();
    expect((await device.run(runId)).state).toBe('running');
    services.clock.advance(10 * MINUTE);
    await sweep(2);
    expect(await device.run(runId)).toMatchObject({ state: 'aborted', outcome: 'failed' });
    expect(await outcomes()).toEqual(['stuck']);
    expect(await alertsEver()).toEqual(['stuck']);
    await device.backUp();
    expect(await device.openAlerts()).toEqual([]);
  });
  test('a failed run decides after the window; the alert stands until a run succeeds', async () => {
    await sweep();
    const occurrence = (await occurrences())[0]!;
    await device.backUp({ occurrenceId: occurrence.id, withhold: ({ kind }) => kind === 'data_pack' });
    expect(await outcomes()).toEqual([]);
    services.clock.advance(36 * MINUTE);
    await sweep(2);
    expect(await outcomes()).toEqual(['failed']);
    expect(await alertsEver()).toEqual(['run_failed']);
  });
  test('a device that says nothing is silent, once, until it calls again', async () => {
    await sweep();
    services.clock.advance(3 * HOUR);
    await sweep(2);
    expect(await device.openAlerts()).toEqual(['missed', 'silent']);
    await device.sql((tx) =>
      tx.deviceState.updateMany({
        where: { tenantId: device.tenant.id },
        data: { lastSeenAt: new Date(services.clock.nowMs()) },
      }),
    );
    await sweep();
    expect(await device.openAlerts()).toEqual(['missed']);
    expect((await alertsEver()).filter((kind) => kind === 'silent').length).toBe(1);
  });
  test('an excused one stays excused', async () => {
    await sweep();
    const [first] = await occurrences();
    await device.sql((tx) =>
      tx.expectedOccurrence.updateMany({
        where: { tenantId: device.tenant.id, id: first!.id },
        data: { outcome: 'excused' },
      }),
    );
    services.clock.advance(50 * MINUTE);
    await sweep();
    expect((await outcomes())[0]).toBe('excused');
  });
});

describe('checks that are owed', () => {
  test('a verification and a drill that lost their jobs become void, and are ordered again', async () => {
    const { result } = await device.commit();
    await device.work(['seal']);
    // The worker died for good: its intent is dead.
    await device.sql((tx) =>
      tx.jobIntent.updateMany({ where: { tenantId: device.tenant.id, kind: 'verify' }, data: { state: 'dead' } }),
    );
    services.clock.advance(3 * MINUTE);
    await sweep(2);
    // Rolling checks of the vault fall due when its id says: they may be ordered by these sweeps, or not.
    const ofPoint = { tenantId: device.tenant.id, purpose: 'point' as const };
    const states = async () =>
      (await device.sql((tx) => tx.verification.findMany({ where: ofPoint, orderBy: { createdAt: 'asc' } }))).map(
        ({ state }) => state,
      );
    expect(await states()).toEqual(['void']);
    services.clock.advance(20 * MINUTE);
    await sweep(2);
    expect(await states()).toEqual(['void', 'queued']);
    await device.work();
    expect((await device.point(result.snapshotId)).levelPassed).toBe(3);
    services.clock.advance(25 * HOUR);
    await sweep(2);
    const drills = await device.sql((tx) => tx.drill.findMany({ where: { tenantId: device.tenant.id } }));
    // The newest point is proven already: nothing is owed by time alone.
    expect(drills.length).toBe(1);
  });
  test('a seal that was given up is tried again', async () => {
    const { runId } = await device.commit();
    await device.sql((tx) =>
      tx.jobIntent.updateMany({
        where: { tenantId: device.tenant.id, kind: 'seal' },
        data: { state: 'dead', finishedAt: new Date(services.clock.nowMs()) },
      }),
    );
    services.clock.advance(5 * MINUTE);
    await sweep();
    expect(await device.work(['seal'])).toEqual([]);
    services.clock.advance(15 * MINUTE);
    await sweep(2);
    expect(await device.work(['seal'])).toEqual(['done']);
    expect((await device.run(runId)).state).toBe('sealed');
  });
});

describe('the month', () => {
  test('equals a direct computation from the rows, however often it is rolled up', async () => {
    await sweep();
    for (const pause of [2 * HOUR, 5 * HOUR, 30 * MINUTE, 9 * HOUR]) {
      services.clock.advance(pause);
      await device.commit();
      await device.work();
      await sweep();
    }
    services.clock.advance(4 * HOUR);
    await sweep();
    await device.work();
    const nowMs = services.clock.nowMs();
    const rows = await device.sql((tx) => tx.sourceMonth.findMany({ where: { tenantId: device.tenant.id } }));
    const source = await device.sql((tx) => tx.source.findFirstOrThrow({ where: { tenantId: device.tenant.id } }));
    const points = await device.sql((tx) =>
      tx.restorePoint.findMany({ where: { tenantId: device.tenant.id, isUsable: true } }),
    );
    expect(points.length).toBe(4);
    const times = points.map(({ captureAt, sealedAt }) => ({
      captureMs: captureAt.getTime(),
      commitMs: sealedAt.getTime(),
    }));
    const firstSealedMs = Math.min(...times.map(({ commitMs }) => commitMs));
    const promised = Math.min(firstSealedMs, source.createdAt.getTime() + 120 * MINUTE);
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) {
      const month = monthWindow(row.month, 'UTC');
      const window = {
        startMs: Math.max(month.startMs, promised),
        endMs: Math.min(month.endMs, nowMs),
      };
      const { windowMs, violationMs, share } = rpoAttainment({ points: times, window, rpoMs: 120 * MINUTE });
      expect(Number(row.windowSeconds)).toBe(Math.floor(windowMs / 1000));
      expect(Math.abs(Number(row.violationSeconds) - violationMs / 1000)).toBeLessThanOrEqual(1);
      expect(share).toBeGreaterThan(0);
      expect(Number(row.peakExposureSeconds)).toBe(Math.ceil(peakExposure(times, window)!.ageMs / 1000));
      const due = (await occurrences()).filter(
        ({ dueAt }) => dueAt.getTime() >= month.startMs && dueAt.getTime() < window.endMs,
      );
      const count = (outcome: string) => due.filter((one) => one.outcome === outcome).length;
      expect(row).toMatchObject({
        ok: count('ok'),
        late: count('late'),
        missed: count('missed'),
        failed: count('failed'),
        stuck: count('stuck'),
        drillsPassed: 1,
      });
    }
    const again = { id: newId(), month: rows[0]!.month };
    for (let n = 0; n < 2; n++) {
      await device.sql((tx) =>
        enqueueIntent(tx, device.tenant.system, 'rollup', { customerId: source.customerId, month: again.month }),
      );
      await device.work(['rollup']);
    }
    const { computedAt: _, ...same } = (
      await device.sql((tx) => tx.sourceMonth.findMany({ where: { tenantId: device.tenant.id, month: again.month } }))
    )[0]!;
    const { computedAt: __, ...before } = rows[0]!;
    expect(same).toEqual(before);
  });
  test('a quarantine restates it', async () => {
    services.clock.advance(MINUTE);
    const { result } = await device.backUp();
    services.clock.advance(30 * MINUTE);
    await sweep();
    const point = await device.point(result.snapshotId);
    const read = async () =>
      await device.sql((tx) =>
        tx.sourceMonth.findFirstOrThrow({ where: { tenantId: device.tenant.id }, orderBy: { month: 'desc' } }),
      );
    await device.work();
    const { requestVerification } = await import('../../server/verification/request-verification.ts');
    device.damage(`data/${result.packIds[0]!.slice(0, 2)}/${result.packIds[0]}`, 'flip');
    await requestVerification(services, device.tenant.owner, { restorePointId: point.id });
    await device.work();
    const after = await read();
    expect(after.restorePoints).toBe(0);
    expect(after.violationSeconds).toBe(after.windowSeconds);
    expect(after.peakExposureSeconds).toBeNull();
  });
});
