/**
 * A machine of the tests: enrolled and backed up through the server's own use-cases, with our engine, on a store of files.
 * Only the transfer is short-cut: what an agent would PUT to a signed URL is put into the store.
 */
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { crc32cBase64 } from '../../core/base/crc32c.ts';
import { policyDocument } from '../../core/domain/policy.ts';
import { createKeyFile, initRepository } from '../../core/repository/repository.ts';
import type { BackupResult } from '../../core/repository/backup/backup.ts';
import type { WritableRepository } from '../../core/repository/types.ts';
import { signEnrolment } from '../../core/protocol/enrolment-proof.ts';
import { type CommitManifest, type ManifestObject, signManifest } from '../../core/protocol/manifest.ts';
import type { EnrolResponse } from '../../core/protocol/messages.ts';
import { createFileStore } from '../../core/storage/file-store.ts';
import { createMemoryStore, type MemoryStore } from '../../core/storage/memory-store.ts';
import { type DeviceScope, scopeForDevice } from '../../server/access/scope.ts';
import type { Tx } from '../../server/db/client.ts';
import { withScope } from '../../server/db/with-scope.ts';
import { KeyRing } from '../../server/keys/key-ring.ts';
import { enrolDevice } from '../../server/devices/enrol-device.ts';
import { commitRun } from '../../server/runs/commit-run.ts';
import { leaseObjects } from '../../server/runs/lease-objects.ts';
import { startRun } from '../../server/runs/start-run.ts';
import { stagedKey } from '../../server/storage/object-store.ts';
import {
  createTestServices,
  createTestTenant,
  type TestTenant,
  type TestUrls,
} from '../../server/testing/test-services.ts';
import { initVault } from '../../server/vaults/init-vault.ts';
import { readyVault } from '../../server/vaults/ready-vault.ts';
import { type JobEnd, type RunnerOptions, runJob } from '../runner.ts';
import { backUpFolder, writeFiles } from './make-vault.ts';

export type TestServices = ReturnType<typeof createTestServices> & { readonly storeRoot: string };

/** As the server's own test services, on a store of files that tests can damage, with a scratch folder. */
export function createWorkerServices(urls: TestUrls): TestServices {
  const base = createTestServices(urls);
  const storeRoot = mkdtempSync(path.join(tmpdir(), 'holdfast-store-'));
  const scratch = mkdtempSync(path.join(tmpdir(), 'holdfast-scratch-'));
  const signing = { baseUrl: 'http://127.0.0.1:1', key: randomBytes(32) };
  const rootKey = randomBytes(32);
  const rootKeyFile = path.join(scratch, 'root.key');
  writeFileSync(rootKeyFile, rootKey.toString('base64'), { mode: 0o600 });
  return {
    ...base,
    storeRoot,
    keys: new KeyRing(rootKey),
    env: {
      ...base.env,
      HOLDFAST_ROOT_KEY_FILE: rootKeyFile,
      HOLDFAST_STORE_PATH: storeRoot,
      HOLDFAST_STORE_SIGNING_KEY: signing.key.toString('base64'),
      HOLDFAST_SCRATCH_PATH: path.join(scratch, 'drills'),
    },
    store: createFileStore({ root: storeRoot, clock: base.clock, signing }),
  };
}

export function removeFolders(services: TestServices): void {
  for (const folder of [services.storeRoot, path.dirname(services.env.HOLDFAST_SCRATCH_PATH)])
    rmSync(folder, { recursive: true, force: true });
}

const DRILL_PASSWORD = 'the drill key of the tests';

export interface CommitChanges {
  /** Objects whose bytes never arrive. */
  readonly withhold?: (object: ManifestObject) => boolean;
  /** Other bytes than announced, as a failing disk or a lying agent would store them. */
  readonly corrupt?: (object: ManifestObject) => boolean;
  readonly manifest?: Partial<CommitManifest>;
  readonly occurrenceId?: string;
  /** Another backup than that of the source folder; what it returns becomes the manifest's witness. */
  readonly makeBackup?: (
    repo: WritableRepository,
    source: string,
  ) => Promise<{ readonly result: BackupResult; readonly witness: CommitManifest['witness'] }>;
}

export class TestDevice {
  readonly services: TestServices;
  readonly tenant: TestTenant;
  readonly enrolled: EnrolResponse;
  readonly scope: DeviceScope;
  readonly source: string;
  readonly #privateKey: string;
  /** What the agent has of its repository; objects go from here to the service. */
  readonly #local: MemoryStore;
  readonly #repo: WritableRepository;

  private constructor(
    services: TestServices,
    tenant: TestTenant,
    enrolled: EnrolResponse,
    privateKey: string,
    local: MemoryStore,
    repo: WritableRepository,
    source: string,
  ) {
    this.services = services;
    this.tenant = tenant;
    this.enrolled = enrolled;
    this.#privateKey = privateKey;
    this.#local = local;
    this.#repo = repo;
    this.source = source;
    this.scope = scopeForDevice({ tenantId: tenant.id, customerId: enrolled.customerId, id: enrolled.deviceId });
  }

  static async enrol(
    services: TestServices,
    files: Readonly<Record<string, string | Uint8Array>>,
    known?: TestTenant,
  ): Promise<TestDevice> {
    const tenant = known ?? (await createTestTenant(services, 'workers'));
    const keys = generateKeyPairSync('ed25519', {
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    const request = {
      token: await tenant.customers[0].createToken(),
      publicKey: keys.publicKey,
      hostname: 'test-machine',
      os: 'linux',
      arch: 'x64',
      agentVersion: '0.1.0',
    };
    const body = Buffer.from(JSON.stringify(request));
    const proof = { body, signature: signEnrolment(body, keys.privateKey) };
    const enrolled = await enrolDevice(services, request, proof);
    const local = createMemoryStore();
    const make = { strength: 'machine', hostname: 'test', username: 'test', clock: services.clock } as const;
    const repo = await initRepository(local, { ...make, password: 'the agent of the tests' });
    const drillKey = await createKeyFile(repo.masterKey, { ...make, password: DRILL_PASSWORD });
    await local.create(drillKey.key, drillKey.bytes);
    const device = new TestDevice(services, tenant, enrolled, keys.privateKey, local, repo, writeFiles(files));
    await device.#initVault(drillKey.id);
    return device;
  }

  async #initVault(drillKeyId: string): Promise<void> {
    const keys = ['config', `keys/${this.#repo.keyId}`, `keys/${drillKeyId}`];
    const objects = await Promise.all(
      keys.map(async (key) => await this.#describe(key, key === 'config' ? 'config' : 'key')),
    );
    const config = await this.#local.get('config');
    await initVault(this.services, this.scope, {
      vaultId: this.enrolled.vaultId,
      repositoryId: this.#repo.config.id,
      configSha256: createHash('sha256').update(config).digest('hex'),
      keys: [
        { id: this.#repo.keyId, principal: 'agent' },
        { id: drillKeyId, principal: 'drill' },
      ],
      drillPassword: DRILL_PASSWORD,
      objects,
    });
    for (const { key } of objects)
      await this.services.store.create(`${this.vaultPrefix}/${key}`, await this.#local.get(key));
    await readyVault(this.services, this.scope, { vaultId: this.enrolled.vaultId });
  }

  async #describe(key: string, kind: ManifestObject['kind']): Promise<ManifestObject> {
    const bytes = await this.#local.get(key);
    return { key, kind, size: bytes.length, crc32c: crc32cBase64(bytes) };
  }

  get vaultPrefix(): string {
    return `v/${this.tenant.id}/${this.enrolled.vaultId}`;
  }

  /** Backs up the source, sends everything and commits. The seal is left to the caller. */
  async commit(changes: CommitChanges = {}): Promise<{ readonly runId: string; readonly result: BackupResult }> {
    const { services, scope, enrolled } = this;
    const { runId } = await startRun(services, scope, {
      sourceId: enrolled.source.id,
      trigger: changes.occurrenceId === undefined ? 'manual' : 'schedule',
      occurrenceId: changes.occurrenceId ?? null,
      commandId: null,
    });
    const startedMs = services.clock.nowMs();
    const made = await changes.makeBackup?.(this.#repo, this.source);
    const result = made?.result ?? (await backUpFolder(this.#repo, this.source));
    const objects = result.added.map((object) => ({ ...object }));
    for (let at = 0; at < objects.length; at += 64)
      await leaseObjects(services, scope, runId, { objects: objects.slice(at, at + 64) });
    for (const object of objects) {
      if (changes.withhold?.(object) === true) continue;
      const bytes = Uint8Array.from(await this.#local.get(object.key));
      if (changes.corrupt?.(object) === true) bytes[bytes.length >> 1]! ^= 1;
      await services.store.create(this.#placeOf(runId, object), bytes);
    }
    const manifest: CommitManifest = {
      version: 1,
      runId,
      vaultId: enrolled.vaultId,
      repositoryId: this.#repo.config.id,
      snapshotId: result.snapshotId,
      treeId: result.snapshot.tree,
      parentSnapshotId: null,
      captureMs: startedMs,
      startedMs,
      finishedMs: services.clock.nowMs(),
      objects,
      packIds: [...result.packIds],
      selected: { files: result.selectedFiles, bytes: result.selectedBytes },
      added: { blobs: result.addedBlobs, bytes: result.addedBytes, storedBytes: result.storedBytes },
      unread: result.unread.map((one) => ({ ...one })),
      unreadCount: result.unread.length,
      unreadBytes: result.unreadBytes,
      witness: made?.witness ?? result.witness.map((one) => ({ ...one })),
      ...changes.manifest,
    };
    await commitRun(services, scope, runId, signManifest(manifest, this.#privateKey));
    return { runId, result };
  }

  #placeOf(runId: string, { key, kind }: ManifestObject): string {
    return kind === 'index' || kind === 'snapshot'
      ? stagedKey(this.tenant.id, this.enrolled.vaultId, runId, key)
      : `${this.vaultPrefix}/${key}`;
  }

  /** The agent drops what a run that came to nothing had added, as one that asks the service for its index does. */
  async forget(result: BackupResult): Promise<void> {
    for (const { key } of result.added) await this.#local.remove(key);
  }

  /** Commits and does every job that follows: seal, verification, drill, roll-ups. */
  async backUp(changes: CommitChanges = {}): Promise<{ readonly runId: string; readonly result: BackupResult }> {
    const committed = await this.commit(changes);
    await this.work();
    return committed;
  }

  /** Does the waiting jobs of these kinds (all but sweeps) one after another until none waits. */
  async work(
    kinds: readonly string[] = ['seal', 'verify', 'drill', 'rollup', 'list-folder', 'prepare-download'],
  ): Promise<JobEnd[]> {
    return await workThrough(this.services, this.tenant, kinds);
  }

  async sql<T>(query: (tx: Tx) => Promise<T>): Promise<T> {
    return await withScope(this.services, this.tenant.system, query);
  }

  /** The one restore point of a snapshot. */
  async point(snapshotId: string) {
    return await this.sql((tx) =>
      tx.restorePoint.findFirstOrThrow({
        where: { tenantId: this.tenant.id, vaultId: this.enrolled.vaultId, snapshotId },
      }),
    );
  }

  async run(runId: string) {
    return await this.sql((tx) => tx.backupRun.findFirstOrThrow({ where: { tenantId: this.tenant.id, id: runId } }));
  }

  async openAlerts(): Promise<string[]> {
    const alerts = await this.sql((tx) =>
      tx.alert.findMany({
        where: { tenantId: this.tenant.id, deviceId: this.enrolled.deviceId, resolvedAt: null },
        orderBy: { kind: 'asc' },
      }),
    );
    return alerts.map(({ kind }) => kind);
  }

  /** The file in which the store keeps an object of the vault. */
  fileOf(key: string): string {
    return path.join(this.services.storeRoot, this.vaultPrefix, key);
  }

  /** As a failing disk would, past every check. */
  damage(key: string, how: 'flip' | 'cut' | 'delete'): void {
    const file = this.fileOf(key);
    if (how === 'delete') return rmSync(file);
    chmodSync(file, 0o600);
    const bytes = readFileSync(file);
    if (how === 'flip') bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(file, how === 'cut' ? bytes.subarray(0, bytes.length >> 1) : bytes);
  }

  async setPolicy(changes: object): Promise<void> {
    await this.sql(async (tx) => {
      const where = { tenantId_id: { tenantId: this.tenant.id, id: this.tenant.customers[0].policyId } };
      const policy = await tx.policy.findUniqueOrThrow({ where });
      const document = policyDocument.parse({ ...(policy.document as object), ...changes });
      await tx.policy.update({ where, data: { document, version: { increment: 1 } } });
    });
  }
}

/** What dispatcher and queue do, without them: marks waiting intents as dispatched and runs them in this process. */
export async function workThrough(
  services: TestServices,
  tenant: TestTenant,
  kinds: readonly string[],
  stop: AbortSignal = new AbortController().signal,
  sandbox?: RunnerOptions['sandbox'],
): Promise<JobEnd[]> {
  const ends: JobEnd[] = [];
  // A stopped worker takes nothing more: what it gave back waits for another.
  while (!stop.aborted) {
    const next = await withScope(services, tenant.system, async (tx) => {
      const [intent] = await tx.$queryRaw<{ id: string }[]>`
        UPDATE job_intent SET state = 'dispatched', dispatched_at = now() WHERE (tenant_id, id) IN (
          SELECT tenant_id, id FROM job_intent WHERE tenant_id = ${tenant.id}::uuid AND state = 'waiting'
            AND run_after <= now() AND kind = ANY (${[...kinds]}::text[]) ORDER BY priority, created_at LIMIT 1)
        RETURNING id`;
      return intent;
    });
    if (next === undefined) return ends;
    ends.push(
      await runJob(
        { services, stop, ...(sandbox === undefined ? {} : { sandbox }) },
        { tenantId: tenant.id, intentId: next.id },
      ),
    );
  }
  return ends;
}
