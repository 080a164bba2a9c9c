/** Drills of level 5 on real backups: a system is started from its restored image, a script judges restored files, and evidence says so. */
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { drillCheck } from '../../core/domain/drill-checks.ts';
import type { SystemTests } from '../../core/domain/system-tests.ts';
import { changeSystemTests, viewSystemTests } from '../../server/drills/change-system-tests.ts';
import { viewPicture } from '../../server/drills/view-picture.ts';
import { requestDrill } from '../../server/drills/request-drill.ts';
import { makeBundle } from '../../server/evidence/make-bundle.ts';
import { createTestTenant } from '../../server/testing/test-services.ts';
import { hangingSystem, signInSystem } from '../sandbox/system/testing/boot-sectors.ts';
import { TestDevice } from '../testing/test-device.ts';
import { type StartedServices, startWorkerServices } from '../testing/start-worker-services.ts';

const AGENT = path.resolve(import.meta.dirname, '../../bin/holdfast');
const PASSWORD = 'open sesame';

let services: StartedServices;
beforeAll(async () => {
  services = await startWorkerServices();
});
afterAll(() => services.stop());

type Files = Readonly<Record<string, string | Uint8Array>>;

async function enrol(files: Files): Promise<TestDevice> {
  const device = await TestDevice.enrol(services, { 'canary.txt': 'sing', ...files });
  // No plan begins a drill by itself: here all are asked for.
  const hour = String((new Date(services.clock.nowMs()).getUTCHours() + 12) % 24).padStart(2, '0');
  const hours = { from: `${hour}:00`, until: `${hour}:30` };
  await device.setPolicy({ drill: { level: 5, everyHours: 2000, sampleFiles: 1, hours } });
  await device.backUp();
  return device;
}
/** Paths of the tests are relative to the source. */
async function declare(device: TestDevice, tests: SystemTests, password?: string, version = 0): Promise<void> {
  const wish = { deviceId: device.enrolled.deviceId, version, tests, password };
  await changeSystemTests(services, device.tenant.owner, wish);
}
async function drill(device: TestDevice, scope: 'sample' | 'full' = 'sample') {
  const { drillId } = await requestDrill(services, device.tenant.owner, {
    deviceId: device.enrolled.deviceId,
    level: 5,
    scope,
  });
  expect(await device.work(['drill'])).toEqual(['done']);
  const row = await device.sql((tx) =>
    tx.drill.findUniqueOrThrow({ where: { tenantId_id: { tenantId: device.tenant.id, id: drillId } } }),
  );
  const checks = z.array(drillCheck).parse(row.checks);
  return { ...row, checks, looks: checks.map(({ kind, state }) => `${kind} ${state}`).sort() };
}
const SIGN_IN = [{ expect: 'login:', send: 'root' }, { expect: 'Password:', sendsPassword: true }, { expect: '# ' }];
const bootOf = (image: string, more: object = {}): NonNullable<SystemTests['boot']> => ({
  ...{ image, memoryMiB: 64, cpus: 1, disk: 'virtio', withinSeconds: 120, serial: 'test system ready', ...more },
});
const scriptOf = (text: string, needs: string[] = []): NonNullable<SystemTests['script']> => ({
  ...{ name: 'orders', text, needs, withinSeconds: 60 },
});

describe('a drill of level 5', () => {
  test('starts the system, signs in, runs the script; its evidence holds outside of the service, and no password', async () => {
    const device = await enrol({ 'vm/web.raw': signInSystem('root', PASSWORD), 'srv/orders.csv': '1,20\n2,30\n' });
    const script = scriptOf(`grep -q '^2,30$' "$HOLDFAST_RESTORED${device.source}/srv/orders.csv" && echo all there`, [
      `${device.source}/srv`,
    ]);
    const boot = bootOf('only', { login: SIGN_IN, screen: { stableSeconds: 1, contains: 'All services are up' } });
    await declare(device, { boot, script }, PASSWORD);
    const done = await drill(device);
    expect(done.errorMessage).toBeNull();
    expect(done.looks).toEqual(['boot passed', 'login passed', 'script passed', 'witness passed']);
    expect(done).toMatchObject({ state: 'passed', facts: { levelReached: 5 } });
    const point = await device.sql((tx) => tx.restorePoint.findFirstOrThrow({ where: { id: done.restorePointId } }));
    expect(point.levelPassed).toBe(5);
    // Power on until it answered.
    expect((done.timings as Record<string, number>)['start']).toBeGreaterThan(0);
    expect(done.checks.find(({ kind }) => kind === 'script')!.output).toBe('all there');
    expect(done.steps).toMatchObject(
      expect.arrayContaining([
        expect.objectContaining({ name: 'Start the system from its disk image', state: 'done' }),
      ]),
    );

    const { picture: hash } = done.checks.find(({ kind }) => kind === 'boot')!;
    const png = await viewPicture(services, device.tenant.owner, done.id, hash!);
    expect(createHash('sha256').update(png).digest('hex')).toBe(hash);
    expect(Buffer.from(png).subarray(1, 4).toString()).toBe('PNG');
    const [mine, neighbour] = device.tenant.customers;
    expect(await viewPicture(services, mine.viewer, done.id, hash!)).toEqual(png);
    for (const scope of [neighbour.viewer, (await createTestTenant(services, 'other')).owner])
      await expect(viewPicture(services, scope, done.id, hash!)).rejects.toMatchObject({ code: 'not_found' });

    const bundle = await makeBundle(services, device.tenant.owner, { drillId: done.id });
    const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-bundle-'));
    try {
      const file = path.join(folder, 'evidence.json');
      writeFileSync(file, JSON.stringify(bundle));
      expect(execFileSync(AGENT, ['verify-evidence', file], { encoding: 'utf8' })).toContain('is sound');
      // The picture goes with it; another one in its place is found out.
      expect(bundle.pictures).toEqual([{ sha256: hash, png: Buffer.from(png).toString('base64url') }]);
      const text = bundle.records[0]!.text;
      expect(text).toContain(hash);
      expect(JSON.stringify([bundle, done.checks, done.evidence])).not.toContain(PASSWORD);
      expect(JSON.parse(text)).toMatchObject({
        body: { level: { asked: 5, reached: 5 }, software: { qemu: expect.any(String) } },
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
    // Nothing of it stays where drills run.
    expect(readdirSync(services.env.HOLDFAST_SCRATCH_PATH)).toEqual([]);
  });
  test('fails with a system that hangs: its point is kept and does not count, and the words are those of the console', async () => {
    const device = await enrol({ 'vm/web.raw': hangingSystem() });
    await declare(device, { boot: bootOf(`${device.source}/vm/web.raw`, { withinSeconds: 12 }) });
    const done = await drill(device);
    expect(done).toMatchObject({ state: 'failed', facts: { levelReached: 0 } });
    expect(done.errorMessage).toContain('The system in web.raw did not come up');
    expect(done.errorMessage).toContain('Starting the database...');
    const point = await device.sql((tx) => tx.restorePoint.findFirstOrThrow({ where: { id: done.restorePointId } }));
    expect(point).toMatchObject({ state: 'sealed', isUsable: false });
    expect(await device.openAlerts()).toEqual(['drill_failed']);
    expect(await device.sql((tx) => tx.drillPicture.count({ where: { drillId: done.id } }))).toBe(1);
  });
  test('keeps a password that the console repeats out of everything', async () => {
    const device = await enrol({ 'vm/web.raw': signInSystem('root', PASSWORD) });
    // The name is repeated by the system as it is typed.
    const login = [{ expect: 'login:', sendsPassword: true }, { expect: 'Password:' }];
    await declare(device, { boot: bootOf('only', { login }) }, 'loud secret');
    const done = await drill(device);
    expect(done.state).toBe('passed');
    expect(done.checks.find(({ kind }) => kind === 'boot')!.output).toContain('box login: •••');
    const { records } = await makeBundle(services, device.tenant.owner, { drillId: done.id });
    expect(JSON.stringify([records, done.checks, done.evidence])).not.toContain('loud secret');
  });
  test('finds damage of an image of which the machine sent no hash: the point is locked away, and nothing is started', async () => {
    const device = await TestDevice.enrol(services, {
      'canary.txt': 'sing',
      'vm/web.raw': randomBytes(3 * 1024 * 1024),
    });
    const sha256 = createHash('sha256').update('sing').digest('hex');
    const canary = { path: `${device.source}/canary.txt`, size: 4, sha256, role: 'canary' as const };
    const { result } = await device.backUp({ manifest: { witness: [canary] } });
    await declare(device, { boot: bootOf('only') });
    const packs = result.added.filter(({ kind }) => kind === 'data_pack').sort((a, b) => b.size - a.size);
    // One byte in the middle of what is almost all image.
    device.damage(packs[0]!.key, 'flip');
    const done = await drill(device);
    expect(done).toMatchObject({
      state: 'failed',
      mismatches: [{ path: `${device.source}/vm/web.raw`, problem: 'damaged' }],
    });
    expect(done.looks).toEqual(['witness failed']);
    const point = await device.sql((tx) => tx.restorePoint.findFirstOrThrow({ where: { id: done.restorePointId } }));
    expect(point.state).toBe('quarantined');
  });
  test('fails with a script that finds fault, with its last words', async () => {
    const device = await enrol({ 'srv/orders.csv': '1,20\n' });
    await declare(device, { script: scriptOf('echo "order 2 is gone"; exit 1') });
    const done = await drill(device);
    expect(done.looks).toEqual(['restore skipped', 'script failed', 'witness passed']);
    expect(done.errorMessage).toContain('order 2 is gone');
  });
  test('without an image, without a declaration, or without what the script needs, says so and reaches level 3', async () => {
    const device = await enrol({ 'etc/hostname': 'web' });
    expect((await drill(device)).looks).toContain('boot skipped');
    await declare(device, { boot: bootOf('only') });
    const none = await drill(device);
    expect(none).toMatchObject({ state: 'passed', facts: { levelReached: 3 } });
    expect(none.checks.find(({ kind }) => kind === 'boot')!.output).toContain(
      'There is no disk image in this restore point',
    );
    await declare(device, { script: scriptOf('exit 0', ['/srv/shop']) }, undefined, 1);
    const needy = await drill(device);
    expect(needy.facts).toMatchObject({ levelReached: 3 });
    expect(needy.checks.find(({ kind }) => kind === 'script')!.output).toContain(
      '/srv/shop is not in this restore point',
    );
  });
  test('of everything starts the image that is among it; with several images it asks which', async () => {
    const device = await enrol({ 'vm/a.raw': signInSystem('root', PASSWORD), 'srv/orders.csv': '1,20\n' });
    await declare(device, { boot: bootOf('only') });
    expect((await drill(device, 'full')).looks).toEqual(['boot passed', 'witness passed']);
    const several = await enrol({ 'vm/a.raw': hangingSystem(), 'vm/b.qcow2': 'not opened' });
    await declare(several, { boot: bootOf('only') });
    const { output } = (await drill(several)).checks.find(({ kind }) => kind === 'boot')!;
    expect(output).toContain(
      `There are several disk images in this restore point, and nobody said which: ${several.source}/vm/a.raw`,
    );
  });
});

describe('what is declared', () => {
  test('is changed by staff alone, from what they saw, with a password that nobody sees again', async () => {
    const device = await enrol({ 'etc/hostname': 'web' });
    const { deviceId } = device.enrolled;
    const { owner, customers } = device.tenant;
    const tests = { boot: bootOf('only', { login: SIGN_IN }) };
    const change = { deviceId, version: 0, tests };
    await expect(changeSystemTests(services, customers[0].viewer, change)).rejects.toMatchObject({ code: 'forbidden' });
    const stranger = (await createTestTenant(services, 'stranger')).owner;
    await expect(changeSystemTests(services, stranger, change)).rejects.toMatchObject({ code: 'not_found' });
    await expect(changeSystemTests(services, owner, change)).rejects.toMatchObject({ code: 'bad_request' });
    expect(await changeSystemTests(services, owner, { ...change, password: PASSWORD })).toEqual({ version: 1 });
    await expect(changeSystemTests(services, owner, { ...change, password: PASSWORD })).rejects.toMatchObject({
      code: 'conflict',
    });
    const seen = await viewSystemTests(services, owner, deviceId);
    expect(seen).toMatchObject({ version: 1, hasPassword: true, changedByName: 'workers user', tests });
    const bySelf = await viewSystemTests(services, customers[0].viewer, deviceId);
    expect(bySelf).toMatchObject({ version: 1, hasPassword: true, changedByName: null, tests });
    await expect(viewSystemTests(services, stranger, deviceId)).rejects.toMatchObject({ code: 'not_found' });
    // Kept while a step types it, gone with that step.
    expect(await changeSystemTests(services, owner, { ...change, version: 1 })).toEqual({ version: 2 });
    await changeSystemTests(services, owner, { deviceId, version: 2, tests: { boot: bootOf('only') } });
    expect(await viewSystemTests(services, owner, deviceId)).toMatchObject({ version: 3, hasPassword: false });
    const rows = await device.sql((tx) => tx.auditEvent.findMany({ where: { action: 'system_test.changed' } }));
    expect(rows).toHaveLength(3);
    expect(JSON.stringify(rows.map(({ data }) => data))).not.toContain(PASSWORD);
  });
});
