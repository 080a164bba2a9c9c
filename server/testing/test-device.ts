/** A machine as the use-cases see it: enrolled, its vault ready, with objects that are random bytes under their true names. */
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { crc32cBase64 } from '../../core/base/crc32c.ts';
import { signEnrolment } from '../../core/protocol/enrolment-proof.ts';
import type { CommitManifest, ManifestObject } from '../../core/protocol/manifest.ts';
import type { EnrolResponse } from '../../core/protocol/messages.ts';
import { type DeviceScope, scopeForDevice } from '../access/scope.ts';
import { enrolDevice } from '../devices/enrol-device.ts';
import { leaseObjects } from '../runs/lease-objects.ts';
import { startRun } from '../runs/start-run.ts';
import type { Services } from '../services.ts';
import { stagedKey, vaultPrefix } from '../storage/object-store.ts';
import { initVault } from '../vaults/init-vault.ts';
import { readyVault } from '../vaults/ready-vault.ts';

export interface TestObject extends ManifestObject {
  readonly bytes: Uint8Array;
}

export interface TestDevice {
  readonly answer: EnrolResponse;
  readonly scope: DeviceScope;
  readonly publicKey: string;
  readonly privateKey: string;
  readonly repositoryId: string;
  startRun(): Promise<string>;
  /** Leases the objects for a run and puts their bytes where the lease would have had them uploaded. */
  upload(runId: string, objects: readonly TestObject[]): Promise<void>;
  manifest(runId: string, objects: readonly TestObject[], changes?: Partial<CommitManifest>): CommitManifest;
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function makeObject(kind: ManifestObject['kind'], bytes: Uint8Array = randomBytes(300)): TestObject {
  const id = sha256(bytes);
  const places = {
    data_pack: `data/${id.slice(0, 2)}/${id}`,
    tree_pack: `data/${id.slice(0, 2)}/${id}`,
    index: `index/${id}`,
    snapshot: `snapshots/${id}`,
    key: `keys/${id}`,
    config: 'config',
  } as const;
  return { key: places[kind], kind, size: bytes.length, crc32c: crc32cBase64(bytes), bytes };
}

/** What the smallest backup brings. */
export function makeBackup(): TestObject[] {
  return (['data_pack', 'tree_pack', 'index', 'snapshot'] as const).map((kind) => makeObject(kind));
}

/** The object as a request names it. */
export function described({ key, kind, size, crc32c }: ManifestObject): ManifestObject {
  return { key, kind, size, crc32c };
}

export async function enrolTestDevice(services: Services, token: string): Promise<TestDevice> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const request = { token, publicKey, hostname: 'host', os: 'linux', arch: 'x64', agentVersion: '0.1.0' };
  const body = Buffer.from(JSON.stringify(request));
  const answer = await enrolDevice(services, request, { body, signature: signEnrolment(body, privateKey) });
  const { tenantId, customerId, deviceId, vaultId } = answer;
  const scope = scopeForDevice({ tenantId, customerId, id: deviceId });
  const repositoryId = randomBytes(32).toString('hex');
  const prefix = vaultPrefix(tenantId, vaultId);
  return {
    answer,
    scope,
    publicKey,
    privateKey,
    repositoryId,
    startRun: async () => {
      const wish = { sourceId: answer.source.id, trigger: 'manual', occurrenceId: null, commandId: null } as const;
      return (await startRun(services, scope, wish)).runId;
    },
    upload: async (runId, objects) => {
      await leaseObjects(services, scope, runId, { objects: objects.map(described) });
      for (const { key, kind, bytes } of objects) {
        const isStaged = kind === 'index' || kind === 'snapshot';
        await services.store.create(isStaged ? stagedKey(tenantId, vaultId, runId, key) : `${prefix}/${key}`, bytes);
      }
    },
    manifest: (runId, objects, changes = {}) => ({
      version: 1,
      runId,
      vaultId,
      repositoryId,
      snapshotId: idOf(objects.find(({ kind }) => kind === 'snapshot')),
      treeId: randomBytes(32).toString('hex'),
      parentSnapshotId: null,
      captureMs: services.clock.nowMs(),
      startedMs: services.clock.nowMs(),
      finishedMs: services.clock.nowMs(),
      objects: objects.map(described),
      packIds: objects.filter(({ kind }) => kind.endsWith('_pack')).map(idOf),
      selected: { files: 1, bytes: 300 },
      added: { blobs: 2, bytes: 300, storedBytes: 600 },
      unread: [],
      unreadCount: 0,
      unreadBytes: 0,
      witness: [],
      ...changes,
    }),
  };
}

/** Enrolled, and its vault opened as the agent does it. */
export async function readyTestDevice(services: Services, token: string): Promise<TestDevice> {
  const device = await enrolTestDevice(services, token);
  const { tenantId, vaultId } = device.answer;
  const config = makeObject('config');
  const keys = [makeObject('key'), makeObject('key')] as const;
  await initVault(services, device.scope, {
    vaultId,
    repositoryId: device.repositoryId,
    configSha256: sha256(config.bytes),
    keys: [
      { id: idOf(keys[0]), principal: 'agent' },
      { id: idOf(keys[1]), principal: 'drill' },
    ],
    drillPassword: 'a drill password',
    objects: [config, ...keys].map(described),
  });
  for (const { key, bytes } of [config, ...keys]) {
    await services.store.create(`${vaultPrefix(tenantId, vaultId)}/${key}`, bytes);
  }
  await readyVault(services, device.scope, { vaultId });
  return device;
}

function idOf(object: ManifestObject | undefined): string {
  return object?.key.split('/').at(-1) ?? '';
}
