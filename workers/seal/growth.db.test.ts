/** Unusual growth as the service sees it: from the figures of signed manifests to an alert that says what was measured. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../../core/base/ids.ts';
import { builtInRule } from '../../core/domain/alerts/rules.ts';
import type { ChangeFigures } from '../../core/protocol/manifest.ts';
import { viewGrowth } from '../../server/alerts/growth-history.ts';
import { testRule } from '../../server/alerts/back-test/test-rule.ts';
import { type StartedServices, startWorkerServices } from '../testing/start-worker-services.ts';
import { TestDevice } from '../testing/test-device.ts';

let services: StartedServices;
beforeAll(async () => {
  services = await startWorkerServices();
});
afterAll(() => services.stop());

const DAY_MS = 86_400_000;
const GB = 1e9;
const USUAL: ChangeFigures = {
  files: { former: 10_000, changed: 120, gone: 3 },
  ...{ readBytes: 4 * GB, newBytes: 2 * GB, storedBytes: GB },
  entropy: { bits: 5, sampledBytes: 1e7 },
};
const ENCRYPTED: ChangeFigures = {
  files: { former: 10_000, changed: 6000, gone: 3 },
  ...{ readBytes: 60 * GB, newBytes: 60 * GB, storedBytes: 60 * GB },
  entropy: { bits: 7.99, sampledBytes: 1e7 },
};

/** A day's backup with these figures; a dump of a database beside the files adds to the whole alone. */
async function day(device: TestDevice, changes: ChangeFigures | undefined, dumpBytes = 0): Promise<void> {
  services.clock.advance(DAY_MS);
  const files = changes ?? USUAL;
  await device.commit({
    manifest: {
      ...(changes === undefined ? {} : { changes }),
      selected: { files: 10_000, bytes: 100 * GB + dumpBytes },
      added: { blobs: 1, bytes: files.newBytes + dumpBytes, storedBytes: files.storedBytes + dumpBytes },
    },
  });
  await device.work(['seal']);
}

const alertsOf = async (device: TestDevice) =>
  await device.sql((tx) => tx.alert.findMany({ where: { tenantId: device.tenant.id }, orderBy: { openedAt: 'asc' } }));

test('an unusual day is told with its figures, closes with the next usual one, and the past answers in the same way', async () => {
  const device = await TestDevice.enrol(services, { 'canary.txt': 'sing' });
  await day(device, { ...USUAL, files: null, newBytes: 4 * GB });
  for (let at = 0; at < 8; at += 1) await day(device, USUAL);
  expect(await alertsOf(device)).toEqual([]);

  await day(device, ENCRYPTED);
  const [growth, ransomware] = (await alertsOf(device)).toSorted((a, b) => a.kind.localeCompare(b.kind));
  expect(growth).toMatchObject({ kind: 'growth', resolvedAt: null });
  for (const words of [
    '60.0 GB of new data in a day (usually 2.00 GB)',
    '60 % of the files changed (usually 1.2 %)',
    'new data more random than usual, 7.9 of 8 bits a byte (usually 5.0 of 8 bits)',
    'new data stored at 100 % of its size (usually 50 %)',
  ])
    expect(growth?.message).toContain(words);
  expect(growth?.message).not.toContain('gone');
  expect(ransomware).toMatchObject({ kind: 'ransomware', resolvedAt: null });

  const { sources, limits } = await viewGrowth(services, device.tenant.system, device.enrolled.deviceId);
  expect(limits).toEqual({ alone: 8, together: 4 });
  expect(sources[0]?.days).toHaveLength(10);
  expect(sources[0]?.days.at(-1)?.far.toSorted()).toEqual(['changed', 'entropy', 'known', 'stored', 'unique']);
  expect(sources[0]?.days.slice(0, -1).every(({ far }) => far.length === 0)).toBe(true);

  await day(device, USUAL);
  expect(await device.openAlerts()).toEqual(['ransomware']);

  services.clock.advance(3_600_000);
  const { name, severity, parameters, filter } = builtInRule('growth');
  const tried = await testRule(services, device.tenant.owner, {
    ...{ kind: 'growth', name, severity, filter, isEnabled: true },
    parameters: { ...parameters },
  });
  expect(tried).toMatchObject({ alerts: 1, hit: 1, stillOpen: 0 });
  // By limits that nothing reaches it would not have called.
  const lax = await testRule(services, device.tenant.owner, {
    ...{ kind: 'growth', name, severity, filter, isEnabled: true },
    parameters: { alone: 100, together: 100 },
  });
  expect(lax.alerts).toBe(0);
});

test('a first backup, a dump of a database and an agent that says nothing of files do not alarm', async () => {
  const device = await TestDevice.enrol(services, { 'canary.txt': 'sing' });
  await day(device, { ...USUAL, files: null, readBytes: 100 * GB, newBytes: 100 * GB, storedBytes: 90 * GB });
  for (let at = 0; at < 9; at += 1) await day(device, USUAL);
  await day(device, USUAL, 300 * GB);
  await day(device, undefined);
  expect(await alertsOf(device)).toEqual([]);
});

test('a usual day of one source does not close the alert of another one of the machine', async () => {
  const device = await TestDevice.enrol(services, { 'canary.txt': 'sing' });
  for (let at = 0; at < 8; at += 1) await day(device, USUAL);
  await day(device, ENCRYPTED);
  // Another source with the same days, of which the last one is the encrypted one.
  const twin = newId();
  const { id: old } = device.enrolled.source;
  await device.sql(async (tx) => {
    await tx.$executeRaw`
      INSERT INTO source SELECT (jsonb_populate_record(s, jsonb_build_object('id', ${twin}::text, 'name', 'Twin'))).*
      FROM source s WHERE s.id = ${old}::uuid`;
    await tx.$executeRaw`
      INSERT INTO backup_run SELECT (jsonb_populate_record(r, jsonb_build_object('id', md5(r.id::text)::uuid, 'source_id', ${twin}::text))).*
      FROM backup_run r WHERE r.source_id = ${old}::uuid`;
    await tx.$executeRaw`
      INSERT INTO restore_point SELECT (jsonb_populate_record(p, jsonb_build_object('id', md5(p.id::text)::uuid,
        'run_id', md5(p.run_id::text)::uuid, 'source_id', ${twin}::text, 'snapshot_id', md5(p.snapshot_id) || md5(p.id::text)))).*
      FROM restore_point p WHERE p.source_id = ${old}::uuid`;
  });
  await day(device, USUAL);
  expect(await device.openAlerts()).toContain('growth');
  // Its next day is usual as well.
  await device.sql(
    (tx) => tx.$executeRaw`
      INSERT INTO restore_point SELECT (jsonb_populate_record(p, jsonb_build_object('id', ${newId()}::text,
        'snapshot_id', repeat('e', 64), 'sealed_at', l.at + interval '1 day', 'capture_at', l.at + interval '1 day'))).*
      FROM restore_point p
      JOIN (SELECT min(sealed_at) AS first, max(sealed_at) AS at FROM restore_point WHERE source_id = ${twin}::uuid) l
        ON p.source_id = ${twin}::uuid AND p.sealed_at = l.first`,
  );
  await day(device, USUAL);
  expect(await device.openAlerts()).not.toContain('growth');
});
