import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../core/base/ids.ts';
import { signManifest } from '../../core/protocol/manifest.ts';
import * as messages from '../../core/protocol/messages.ts';
import { announced, beat, makeObject, refusalOf, TestDevice } from '../testing/test-device.ts';
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.close());

describe('vault', () => {
  test('config and keys are uploaded once, and never again once the vault is ready', async () => {
    const device = new TestDevice(gateway);
    const token = await gateway.createToken(gateway.customers[0]);
    device.identity = messages.enrolResponse.parse((await device.enrol(token)).json);
    const { objects, message } = device.vaultObjects();
    const init = await device.post('/agent/v1/vault', message);
    expect(init.status).toBe(200);
    const { uploads } = messages.vaultInitResponse.parse(init.json);
    const early = await device.post('/agent/v1/vault/ready', { vaultId: device.identity.vaultId });
    expect(early.status).toBe(404);
    expect(refusalOf(early).code).toBe('object_missing');
    expect(await device.upload(objects, uploads)).toEqual([200, 200, 200, 200]);
    for (let times = 0; times < 2; times++) {
      const ready = await device.post('/agent/v1/vault/ready', { vaultId: device.identity.vaultId });
      expect(ready.json).toEqual({ state: 'ready' });
    }
    const again = await device.post('/agent/v1/vault', device.vaultObjects().message);
    expect(again.status).toBe(409);
    expect(refusalOf(again).code).toBe('conflict');
    const vaultFolder = join(gateway.storeRoot, 'v', device.identity.tenantId, device.identity.vaultId);
    expect((await readdir(vaultFolder)).sort()).toEqual(['config', 'keys']);
  });

  test('an enrolment that was interrupted after its uploads can begin again with a new repository', async () => {
    const device = new TestDevice(gateway);
    const token = await gateway.createToken(gateway.customers[0]);
    device.identity = messages.enrolResponse.parse((await device.enrol(token)).json);
    const first = device.vaultObjects();
    const init = await device.post('/agent/v1/vault', first.message);
    await device.upload(first.objects, messages.vaultInitResponse.parse(init.json).uploads);
    // The machine lost power here, and its keys with it.
    const second = device.vaultObjects();
    const again = await device.post('/agent/v1/vault', second.message);
    expect(again.status).toBe(200);
    const uploads = messages.vaultInitResponse.parse(again.json).uploads;
    expect(await device.upload(second.objects, uploads)).toEqual([200, 200, 200, 200]);
    const ready = await device.post('/agent/v1/vault/ready', { vaultId: device.identity.vaultId });
    expect(ready.json).toEqual({ state: 'ready' });
  });

  test('404 for the vault of another device', async () => {
    const [one, other] = [await TestDevice.ready(gateway), await TestDevice.ready(gateway)];
    const message = { ...one.vaultObjects().message, vaultId: other.identity.vaultId };
    expect((await one.post('/agent/v1/vault', message)).status).toBe(404);
    expect((await one.post('/agent/v1/vault/ready', { vaultId: other.identity.vaultId })).status).toBe(404);
  });
});

describe('heartbeat and commands', () => {
  test('brings the policy when it changed, and the backup that is due', async () => {
    const device = await TestDevice.ready(gateway);
    const { json } = await device.post('/agent/v1/heartbeat', beat(1, 1));
    const same = messages.heartbeatResponse.parse(json);
    expect(same.policy).toBeUndefined();
    expect(same.due).toMatchObject({ sourceId: device.identity.source.id });
    const old = messages.heartbeatResponse.parse((await device.post('/agent/v1/heartbeat', beat(2, 0))).json);
    expect(old.policy).toMatchObject({ version: 1 });
  });

  test('an agent that is too old for a command is not sent it, and gets it when it is new enough', async () => {
    const device = await TestDevice.ready(gateway);
    const { tenantId, customerId, deviceId } = device.identity;
    const [drill, backup] = [newId(), newId()];
    const payload = { drillId: newId(), grantId: newId(), snapshotId: '0'.repeat(64), paths: ['/a'] };
    for (const [id, kind, of] of [
      [drill, 'drill', payload],
      [backup, 'backup_now', {}],
    ] as const)
      await gateway.sql(
        `INSERT INTO agent_command (tenant_id, id, customer_id, device_id, kind, payload, state)
         VALUES ($1, $2, $3, $4, $5, $6, 'pending')`,
        [tenantId, id, customerId, deviceId, kind, JSON.stringify(of)],
      );
    const ask = async (sequence: number, agentVersion: string) => {
      const { json } = await device.post('/agent/v1/heartbeat', { ...beat(sequence), agentVersion });
      return messages.heartbeatResponse.parse(json).commands.map(({ id }) => id);
    };
    expect(await ask(1, '0.0.9')).toEqual([backup]);
    expect(await gateway.sql('SELECT state FROM agent_command WHERE id = $1', [drill])).toEqual([{ state: 'pending' }]);
    expect((await ask(2, '0.1.0')).toSorted()).toEqual([drill, backup].toSorted());
  });

  test('hands out a command once and keeps what became of it; another device’s command is not there', async () => {
    const device = await TestDevice.ready(gateway);
    const other = await TestDevice.ready(gateway);
    const { tenantId, customerId, deviceId } = device.identity;
    const id = newId();
    await gateway.sql(
      `INSERT INTO agent_command (tenant_id, id, customer_id, device_id, kind, payload, state)
       VALUES ($1, $2, $3, $4, 'backup_now', '{}', 'pending')`,
      [tenantId, id, customerId, deviceId],
    );
    const first = messages.heartbeatResponse.parse((await device.post('/agent/v1/heartbeat', beat(1))).json);
    expect(first.commands).toEqual([{ id, kind: 'backup_now' }]);
    const holding = { ...beat(2), commandIds: [id] };
    const second = messages.heartbeatResponse.parse((await device.post('/agent/v1/heartbeat', holding)).json);
    expect(second.commands).toEqual([]);
    const result = { state: 'done', message: 'finished' };
    expect((await other.post(`/agent/v1/commands/${id}`, result)).status).toBe(404);
    const answer = await device.post(`/agent/v1/commands/${id}`, result);
    expect(answer).toMatchObject({ status: 200, json: {} });
    expect(await gateway.sql('SELECT state, message FROM agent_command WHERE id = $1', [id])).toEqual([
      { state: 'done', message: 'finished' },
    ]);
  });
});

test('what a machine holds is taken with bounds, and one that is refused leaves the heartbeat as it was', async () => {
  const device = await TestDevice.ready(gateway);
  const { deviceId } = device.identity;
  const volume = { mountPoint: '/', fileSystem: 'ext4', usedBytes: 5, sizeBytes: 9 };
  const told = () => gateway.sql('SELECT volumes, databases FROM device_inventory WHERE device_id = $1', [deviceId]);
  const good = await device.post('/agent/v1/inventory', { volumes: [volume], databases: null });
  expect(good).toMatchObject({ status: 200, json: {} });
  expect(Number(good.headers.get('holdfast-revision'))).toBeGreaterThanOrEqual(2);
  expect(await told()).toEqual([{ volumes: [volume], databases: null }]);
  const hostile = await device.post('/agent/v1/inventory', {
    volumes: [{ ...volume, usedBytes: 1e15, mountPoint: '/\u202e' }],
    databases: null,
  });
  expect(hostile.status).toBe(400);
  expect(await told()).toEqual([{ volumes: [volume], databases: null }]);
  expect((await device.post('/agent/v1/heartbeat', beat(1))).status).toBe(200);
});

test('how a restore ended is told for a permission of one’s own alone', async () => {
  const device = await TestDevice.ready(gateway);
  const end = { state: 'delivered', message: 'done', restored: { files: 1, bytes: 5 } };
  const answer = await device.post(`/agent/v1/restores/${newId()}/end`, end);
  expect(answer.status).toBe(404);
  const hostile = { ...end, restored: { files: -1, bytes: 5 } };
  expect((await device.post(`/agent/v1/restores/${newId()}/end`, hostile)).status).toBe(400);
});

describe('a backup run', () => {
  const backupObjects = () => [
    makeObject('data_pack'),
    makeObject('tree_pack'),
    makeObject('index'),
    makeObject('snapshot'),
  ];

  test('leases, uploads and commits; packs go to the vault, index and snapshot wait for the seal', async () => {
    const device = await TestDevice.ready(gateway);
    const runId = await device.startRun();
    const objects = backupObjects();
    const { uploads, expiresMs } = await device.lease(runId, objects);
    expect(expiresMs).toBe(gateway.clock.nowMs() + 30 * 60_000);
    expect(await device.upload(objects, uploads)).toEqual([200, 200, 200, 200]);
    const progress = { phase: 'done', filesDone: 3, filesTotal: 3, bytesDone: 1, bytesTotal: 1, bytesAdded: 1 };
    expect((await device.post(`/agent/v1/runs/${runId}/progress`, { progress })).json).toEqual({});
    const manifest = device.manifest(runId, objects);
    const committed = await device.commit(runId, manifest);
    expect(committed.status).toBe(200);
    expect(messages.runView.parse(committed.json)).toMatchObject({ runId, state: 'committed' });
    // The answer may have been lost: the same text again is no error.
    expect((await device.commit(runId, manifest)).json).toEqual(committed.json);
    expect((await device.get(`/agent/v1/runs/${runId}`)).json).toEqual(committed.json);
    const { tenantId, vaultId } = device.identity;
    const inVault = await readdir(join(gateway.storeRoot, 'v', tenantId, vaultId));
    expect(inVault.sort()).toEqual(['config', 'data', 'keys']);
    const staged = join(gateway.storeRoot, 'staging', tenantId, vaultId, runId);
    expect((await readdir(staged)).sort()).toEqual(['index', 'snapshots']);
    const [pack] = objects;
    const stored = await readFile(join(gateway.storeRoot, 'v', tenantId, vaultId, pack!.key));
    expect(stored.equals(Buffer.from(pack!.bytes))).toBe(true);
    const intents = await gateway.sql(`SELECT kind FROM job_intent WHERE tenant_id = $1 AND kind = 'seal'`, [tenantId]);
    expect(intents.length).toBeGreaterThan(0);
  });

  test('a lease takes the leased bytes alone, under the leased name, once', async () => {
    const device = await TestDevice.ready(gateway);
    const runId = await device.startRun();
    const pack = makeObject('data_pack');
    const { uploads } = await device.lease(runId, [pack]);
    const other = { ...pack, bytes: randomBytes(pack.size) };
    expect(await device.upload([other], uploads)).toEqual([422]);
    expect(await device.upload([{ ...pack, bytes: pack.bytes.subarray(1) }], uploads)).toEqual([422]);
    expect(await device.upload([pack], uploads)).toEqual([200]);
    expect(await device.upload([pack], uploads)).toEqual([412]);
    expect((await device.lease(runId, [pack])).uploads).toEqual([{ key: pack.key, state: 'present' }]);
  });

  test('a lease ends after half an hour and can be asked for again', async () => {
    const device = await TestDevice.ready(gateway);
    const runId = await device.startRun();
    const pack = makeObject('data_pack');
    const { uploads } = await device.lease(runId, [pack]);
    gateway.clock.advance(30 * 60_000);
    expect(await device.upload([pack], uploads)).toEqual([403]);
    const renewed = await device.lease(runId, [pack]);
    expect(await device.upload([pack], renewed.uploads)).toEqual([200]);
  });

  test('403 for a lease of config or keys, 422 for a name that does not fit, 400 for too many', async () => {
    const device = await TestDevice.ready(gateway);
    const runId = await device.startRun();
    const leases = `/agent/v1/runs/${runId}/leases`;
    for (const kind of ['config', 'key'] as const) {
      const answer = await device.post(leases, { objects: [announced(makeObject(kind))] });
      expect(answer.status, kind).toBe(403);
    }
    const misplaced = { ...announced(makeObject('index')), kind: 'data_pack' };
    expect((await device.post(leases, { objects: [misplaced] })).status).toBe(422);
    for (const key of ['../config', 'data/ab/../../x', 'locks/x', '/etc/passwd']) {
      const answer = await device.post(leases, { objects: [{ ...announced(makeObject('data_pack')), key }] });
      expect(answer.status, key).toBe(400);
    }
    const many = Array.from({ length: 65 }, () => announced(makeObject('data_pack', randomBytes(10))));
    expect((await device.post(leases, { objects: many })).status).toBe(400);
  });

  test('404 for the run of another device, whatever is done to it', async () => {
    const owner = await TestDevice.ready(gateway);
    const stranger = await TestDevice.ready(gateway, gateway.customers[1]);
    const runId = await owner.startRun();
    const objects = backupObjects();
    const progress = { phase: 'scan', filesDone: 0, filesTotal: 0, bytesDone: 0, bytesTotal: 0, bytesAdded: 0 };
    const manifest = signManifest(stranger.manifest(runId, objects), stranger.keys.privateKey);
    const attempts = [
      await stranger.get(`/agent/v1/runs/${runId}`),
      await stranger.post(`/agent/v1/runs/${runId}/leases`, { objects: objects.map(announced) }),
      await stranger.post(`/agent/v1/runs/${runId}/progress`, { progress }),
      await stranger.post(`/agent/v1/runs/${runId}/commit`, manifest),
      await stranger.post(`/agent/v1/runs/${runId}/fail`, { code: 'internal', message: 'x', unread: [] }),
      await stranger.post('/agent/v1/runs', {
        sourceId: owner.identity.source.id,
        trigger: 'manual',
        occurrenceId: null,
        commandId: null,
      }),
    ];
    for (const answer of attempts) {
      expect(answer.status).toBe(404);
      expect(refusalOf(answer).code).toBe('not_found');
    }
    expect(messages.runView.parse((await owner.get(`/agent/v1/runs/${runId}`)).json).state).toBe('running');
  });

  test('422 commit_invalid names the offender, the run has failed, and nothing is sealed', async () => {
    const device = await TestDevice.ready(gateway);
    const objects = backupObjects();
    const unleased = makeObject('data_pack');
    const strange = 'f'.repeat(64);
    const cases: [string, (runId: string) => ReturnType<TestDevice['commit']>][] = [
      [unleased.key, (runId) => device.commit(runId, device.manifest(runId, [...objects, unleased]))],
      [strange, (runId) => device.commit(runId, device.manifest(runId, objects, { packIds: [strange] }))],
      [
        objects[0]!.key,
        (runId) => device.commit(runId, device.manifest(runId, [{ ...objects[0]!, size: 1 }, ...objects.slice(1)])),
      ],
      ['another run', (runId) => device.commit(runId, device.manifest(newId(), objects))],
      [
        'signature',
        (runId) => {
          const { text } = signManifest(device.manifest(runId, objects), device.keys.privateKey);
          const signature = randomBytes(64).toString('base64url');
          return device.post(`/agent/v1/runs/${runId}/commit`, { text, signature });
        },
      ],
    ];
    for (const [offender, commit] of cases) {
      const runId = await device.startRun();
      await device.upload(objects, (await device.lease(runId, objects)).uploads);
      const answer = await commit(runId);
      expect(answer.status, offender).toBe(422);
      expect(refusalOf(answer)).toMatchObject({ code: 'commit_invalid', action: 'start_new_run' });
      expect(refusalOf(answer).message).toContain(offender);
      expect(messages.runView.parse((await device.get(`/agent/v1/runs/${runId}`)).json).state).toBe('failed');
    }
    const { json } = await device.post('/agent/v1/snapshots', {});
    expect(json).toEqual({ snapshots: [] });
  });

  test('409 run_not_open once the run has ended', async () => {
    const device = await TestDevice.ready(gateway);
    const runId = await device.startRun();
    const failure = { code: 'source_missing', message: 'The folder is gone.', unread: [] };
    const failed = await device.post(`/agent/v1/runs/${runId}/fail`, failure);
    expect(messages.runView.parse(failed.json)).toMatchObject({ state: 'failed', outcome: 'failed' });
    const pack = makeObject('data_pack');
    const lease = await device.post(`/agent/v1/runs/${runId}/leases`, { objects: [announced(pack)] });
    expect(lease.status).toBe(409);
    expect(refusalOf(lease)).toMatchObject({ code: 'run_not_open', action: 'start_new_run' });
    const commit = await device.commit(runId, device.manifest(runId, backupObjects()));
    expect(refusalOf(commit).code).toBe('run_not_open');
  });
});

describe('reading back', () => {
  test('repository metadata needs no grant, data packs do, and other vaults are not there', async () => {
    const device = await TestDevice.ready(gateway);
    const other = await TestDevice.ready(gateway);
    const { json } = await device.post('/agent/v1/reads', { keys: ['config'], list: null, grantId: null });
    const { downloads } = messages.readResponse.parse(json);
    expect(downloads).toHaveLength(1);
    const bytes = Buffer.from(await (await fetch(downloads[0]!.url)).arrayBuffer());
    expect(bytes.length).toBe(downloads[0]!.size);
    const listed = await device.post('/agent/v1/reads', { keys: [], list: 'keys', grantId: null });
    expect(messages.readResponse.parse(listed.json).downloads).toHaveLength(3);

    const runId = await device.startRun();
    const pack = makeObject('data_pack');
    await device.upload([pack], (await device.lease(runId, [pack])).uploads);
    await gateway.sql(`UPDATE stored_object SET state = 'sealed', sealed_at = now() WHERE key = $1`, [pack.key]);
    const read = (grantId: string | null) => device.post('/agent/v1/reads', { keys: [pack.key], list: null, grantId });
    for (const grantId of [null, newId()]) {
      const refused = await read(grantId);
      expect(refused.status).toBe(403);
      expect(refusalOf(refused)).toMatchObject({ code: 'grant_required', action: 'ask_provider' });
    }
    const foreign = await other.post('/agent/v1/reads', { keys: [pack.key], list: null, grantId: null });
    expect(messages.readResponse.parse(foreign.json)).toMatchObject({ downloads: [], missing: [pack.key] });
  });

  test('403 grant_required for a self-service restore that the policy does not allow', async () => {
    const device = await TestDevice.ready(gateway);
    const answer = await device.post('/agent/v1/restores', { snapshotId: '0'.repeat(64), paths: [] });
    expect(answer.status).toBe(403);
    expect(refusalOf(answer).code).toBe('grant_required');
  });
});
