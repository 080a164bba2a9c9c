/** Restore tests that the service cannot make: by the machine that alone holds the keys, and with the kit and stock restic alone. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadIdentity } from '../../../agent/state/identity.ts';
import type { EvidenceRecord } from '../../../core/evidence/record.ts';
import { verifyBundle } from '../../../core/evidence/verify-bundle.ts';
import { scopeForSystem } from '../../../server/access/scope.ts';
import { applyChange } from '../../../server/changes/apply-change.ts';
import { insertToken } from '../../../server/devices/create-enrolment-token.ts';
import { queueDrill } from '../../../server/drills/queue-drill.ts';
import { makeBundle } from '../../../server/evidence/make-bundle.ts';
import { ServiceStack } from '../../support/service-stack.ts';
import { until } from '../../support/until.ts';

const SECRET = 'a sentence that never leaves the machine';

let stack: ServiceStack;
beforeAll(async () => {
  stack = await ServiceStack.start();
  await mkdir(join(stack.protectPath, 'sub'));
  await writeFile(join(stack.protectPath, 'sub', 'a *[1].txt'), SECRET);
  for (let n = 0; n < 6; n++) await writeFile(join(stack.protectPath, `file-${n}`), `contents of ${n} `.repeat(1000));
});
afterAll(() => stack.close());

interface DrillRow {
  readonly id: string;
  readonly state: string;
  readonly runner: string;
  readonly error_message: string | null;
  readonly files_matched: number;
  readonly customer_id: string;
}

async function drillsOf(statePath: string): Promise<DrillRow[]> {
  const { deviceId } = await loadIdentity(statePath);
  return await stack.sql<DrillRow>(
    'SELECT id, state, runner, error_message, files_matched, customer_id FROM drill WHERE device_id = $1 ORDER BY created_at',
    [deviceId],
  );
}
const isOver = ({ state }: DrillRow): boolean => state !== 'queued' && state !== 'running';

async function bundleOf(drillId: string) {
  return await makeBundle(stack.services, scopeForSystem(stack.tenantId), { drillId });
}
async function recordOf(drillId: string): Promise<EvidenceRecord & { kind: 'drill' }> {
  const check = await verifyBundle(JSON.stringify(await bundleOf(drillId)));
  expect(check.findings).toEqual([]);
  const [record] = check.records;
  if (record?.kind !== 'drill') throw new Error('no record of a drill');
  return record;
}

/** Has a drill of the device's newest point made, as a click in the portal does. */
async function order(statePath: string): Promise<string> {
  const { deviceId } = await loadIdentity(statePath);
  return await applyChange(stack.services, scopeForSystem(stack.tenantId), async (change) => {
    const point = await change.tx.restorePoint.findFirstOrThrow({
      where: { deviceId },
      orderBy: { captureAt: 'desc' },
    });
    await change.audit('drill.requested', { kind: 'restore_point', id: point.id }, {});
    return await queueDrill(stack.services, change, point, {
      level: 3,
      scope: 'sample',
      pointChoice: 'chosen',
      trigger: 'manual',
      requestedBy: null,
    });
  });
}

describe('where the customer alone holds the keys', () => {
  let statePath: string;
  beforeAll(async () => {
    const scope = scopeForSystem(stack.tenantId);
    const token = await applyChange(stack.services, scope, async (change) => {
      const policy = await change.tx.policy.findFirstOrThrow({ where: { tenantId: stack.tenantId } });
      const wish = {
        customerId: policy.customerId,
        policyId: policy.id,
        label: 'held',
        custody: 'customer_held' as const,
      };
      return (await insertToken(stack.services, change, scope, wish)).token;
    });
    statePath = await stack.newState();
    expect((await stack.enrol(statePath, token)).code).toBe(0);
  });

  test('the machine makes the restore test, only hashes leave it, and the evidence says who restored', async () => {
    const daemon = stack.agent(statePath, ['run']);
    const drill = await until('the drill', async () => (await drillsOf(statePath)).find(isOver));
    expect(drill).toMatchObject({ state: 'passed', runner: 'agent', error_message: null });
    const { deviceId, vaultId } = await loadIdentity(statePath);
    // The verdict is there before the order is answered.
    await until('the order is answered', async () => {
      const orders = await stack.sql('SELECT state FROM agent_command WHERE device_id = $1 AND kind = $2', [
        deviceId,
        'drill',
      ]);
      return orders.length > 0 && orders.every(({ state }) => state === 'done');
    });
    await daemon.stop();
    const [vault] = await stack.sql('SELECT custody, drill_password_sealed FROM vault WHERE id = $1', [vaultId]);
    expect(vault).toEqual({ custody: 'customer_held', drill_password_sealed: null });
    const [point] = await stack.sql('SELECT level_passed FROM restore_point WHERE device_id = $1', [deviceId]);
    expect(point).toEqual({ level_passed: 3 });
    const { body } = await recordOf(drill.id);
    expect(body).toMatchObject({
      performer: { kind: 'agent', isRobot: true },
      restorePoint: { custody: 'customer_held' },
      result: { verdict: 'passed' },
      sandbox: { layers: [] },
    });
    expect(body.result.filesMatched).toBe(body.selection.files.length);
    expect(body.answer!.text).toContain(body.selection.files[0]!.sha256);
    // What was sent, whole: nothing of the contents is in it, and nothing is left on the machine.
    expect(JSON.stringify(await bundleOf(drill.id))).not.toContain(SECRET);
    expect(existsSync(join(statePath, 'drill'))).toBe(false);
    const [command] = await stack.sql('SELECT state, payload FROM agent_command WHERE device_id = $1 AND kind = $2', [
      deviceId,
      'drill',
    ]);
    expect(command).toMatchObject({ state: 'done' });
    // The machine was not told what to find.
    expect(JSON.stringify(command!.payload)).not.toContain(body.selection.files[0]!.sha256);
  }, 120_000);

  test('a restore that is not what the machine had signed is red', async () => {
    const { deviceId } = await loadIdentity(statePath);
    await stack.sql(
      `UPDATE restore_point SET witness = (SELECT jsonb_agg(jsonb_set(w, '{sha256}', to_jsonb(repeat('1', 64)))) FROM jsonb_array_elements(witness) w)
       WHERE device_id = $1`,
      [deviceId],
    );
    const drillId = await order(statePath);
    const daemon = stack.agent(statePath, ['run']);
    const drill = await until('the drill', async () =>
      (await drillsOf(statePath)).find((one) => one.id === drillId && isOver(one)),
    );
    await daemon.stop();
    expect(drill).toMatchObject({ state: 'failed', runner: 'agent', files_matched: 0 });
    expect(drill.error_message).toContain('did not come back as the machine saw them');
    const [point] = await stack.sql('SELECT state FROM restore_point WHERE device_id = $1', [deviceId]);
    expect(point).toEqual({ state: 'quarantined' });
  }, 120_000);
});

describe('the exit drill', () => {
  let statePath: string;
  let vault: string;
  let kit: string;
  beforeAll(async () => {
    statePath = await stack.enrolled();
    expect((await stack.run(statePath, 'backup')).code).toBe(0);
    const { tenantId, vaultId } = await loadIdentity(statePath);
    vault = join(stack.storeRoot, 'v', tenantId, vaultId);
    kit = join(statePath, 'recovery-kit.txt');
  });

  test('restores with the kit and restic alone, and is signed evidence', async () => {
    const ended = await stack.run(statePath, 'exit-drill', '--kit', kit, '--vault', vault);
    expect(`${ended.stdout}${ended.stderr}`).toContain('came back as the machine saw them');
    expect(ended.code).toBe(0);
    const drill = (await drillsOf(statePath)).find(({ runner }) => runner === 'kit');
    expect(drill).toMatchObject({ state: 'passed' });
    const { body } = await recordOf(drill!.id);
    expect(body.performer.kind).toBe('kit');
    expect(body.software.restic).toMatch(/^restic \d/);
    expect(body.answer).not.toBeNull();
  }, 120_000);

  test('needs no service: with everything of it stopped, the evidence that one has says what to find', async () => {
    const drill = (await drillsOf(statePath)).find(({ runner }) => runner === 'kit');
    const bundle = join(stack.folder, 'bundle.json');
    writeFileSync(bundle, JSON.stringify(await bundleOf(drill!.id)));
    await stack.stopGateway();
    await stack.stopWorkers();
    const offline = ['exit-drill', '--kit', kit, '--vault', vault, '--evidence', bundle];
    try {
      const ended = await stack.run(await stack.newState(), ...offline, '--json');
      expect(ended.code).toBe(0);
      const told = JSON.parse(ended.stdout) as { state: string; files: unknown[] };
      expect(told.state).toBe('passed');
      expect(told.files.length).toBeGreaterThan(3);
      const without = await stack.run(await stack.newState(), ...offline, '--restic', '/nonexistent/restic');
      expect(without.code).toBe(1);
      expect(without.stderr).toContain('apt install restic');
      // Every pack is bent: the drill is red, and names why.
      for (const folder of await readdir(join(vault, 'data')))
        for (const name of await readdir(join(vault, 'data', folder))) {
          const file = join(vault, 'data', folder, name);
          const bytes = readFileSync(file);
          bytes[10]! ^= 1;
          chmodSync(file, 0o600);
          writeFileSync(file, bytes);
        }
      const damaged = await stack.run(await stack.newState(), ...offline);
      expect(damaged.code).toBe(1);
      expect(damaged.stdout).toContain('not proven');
    } finally {
      await stack.startGateway();
      await stack.startWorkers();
    }
  }, 120_000);
});
