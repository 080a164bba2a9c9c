/** A commit counts only when every word of its manifest is true; otherwise the run fails and nothing sealed is touched. */
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { canonicalJson } from '../../core/base/canonical-json.ts';
import type { HoldfastError } from '../../core/base/errors.ts';
import { newId } from '../../core/base/ids.ts';
import { type CommitManifest, signManifest } from '../../core/protocol/manifest.ts';
import {
  described,
  makeBackup,
  makeObject,
  readyTestDevice,
  type TestDevice,
  type TestObject,
} from '../testing/test-device.ts';
import { createTestTenant, type TestTenant } from '../testing/test-services.ts';
import { commitRun } from './commit-run.ts';
import { leaseObjects } from './lease-objects.ts';
import { viewRun } from './view-run.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';

let services: StartedTestServices;
let tenant: TestTenant;
let admin: pg.Client;
let device: TestDevice;
let objects: TestObject[];
let runId: string;

beforeAll(async () => {
  services = await startTestServices();
  ({ admin } = services);
  tenant = await createTestTenant(services, 'commits');
});
afterAll(() => services.stop());
beforeEach(async () => {
  device = await readyTestDevice(services, await tenant.customers[0].createToken());
  objects = makeBackup();
  runId = await device.startRun();
  await device.upload(runId, objects);
});

function signed(manifest: unknown): { text: string; signature: string } {
  return signManifest(manifest as CommitManifest, device.privateKey); // the cases hold what no manifest may
}

async function ledger(): Promise<Record<string, string>> {
  const { rows } = await admin.query<{ key: string; state: string }>(
    'SELECT key, state FROM stored_object WHERE vault_id = $1',
    [device.answer.vaultId],
  );
  return Object.fromEntries(rows.map(({ key, state }) => [key, state]));
}

async function count(table: 'job_intent' | 'run_manifest' | 'restore_point', of: string): Promise<number> {
  const where = table === 'job_intent' ? `payload->>'runId' = $1` : 'run_id = $1';
  return Number((await admin.query(`SELECT count(*) AS n FROM ${table} WHERE ${where}`, [of])).rows[0].n);
}

const kindAt = (kind: TestObject['kind']): TestObject => {
  const found = objects.find((object) => object.kind === kind);
  if (found === undefined) throw new Error(`the backup has no ${kind}`);
  return found;
};
const replaced = (kind: TestObject['kind'], changes: Partial<TestObject>): TestObject[] =>
  objects.map((object) => (object.kind === kind ? { ...object, ...changes } : object));

describe('a true manifest', () => {
  test('commits the run once: the same again is answered again, another one is refused', async () => {
    const request = signed(device.manifest(runId, objects));
    const first = await commitRun(services, device.scope, runId, request);
    expect(first).toMatchObject({ state: 'committed', outcome: null });
    expect(await commitRun(services, device.scope, runId, request)).toEqual(first);
    const other = signed(device.manifest(runId, objects, { unreadCount: 3 }));
    await expect(commitRun(services, device.scope, runId, other)).rejects.toMatchObject({ code: 'run_not_open' });
    expect([await count('run_manifest', runId), await count('job_intent', runId)]).toEqual([1, 1]);
    const states = await ledger();
    expect(objects.map(({ key }) => states[key])).toEqual(objects.map(() => 'committed'));
  });

  test('sent ten times at once is one commit and one seal', async () => {
    const request = signed(device.manifest(runId, objects));
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => commitRun(services, device.scope, runId, request)),
    );
    expect(new Set(answers.map(({ state }) => state))).toEqual(new Set(['committed']));
    expect([await count('run_manifest', runId), await count('job_intent', runId)]).toEqual([1, 1]);
  });

  test('of more objects than a statement has parameters is committed whole', async () => {
    const many = Array.from({ length: 33_000 }, (_, at) => {
      const id = at.toString(16).padStart(64, '0');
      return { key: `data/${id.slice(0, 2)}/${id}`, kind: 'data_pack' as const, size: 1, crc32c: 'AAAAAA==' };
    });
    await admin.query(
      `INSERT INTO stored_object (tenant_id, vault_id, customer_id, key, kind, size, crc32c, state, run_id)
       SELECT $1, $2, $3, key, 'data_pack', 1, 'AAAAAA==', 'leased', $4 FROM unnest($5::text[]) AS key`,
      [tenant.id, device.answer.vaultId, device.answer.customerId, runId, many.map(({ key }) => key)],
    );
    const all = [...objects, ...many.map((object) => ({ ...object, bytes: new Uint8Array() }))];
    await commitRun(services, device.scope, runId, signed(device.manifest(runId, all)));
    const states = Object.values(await ledger());
    expect(states.filter((state) => state === 'committed')).toHaveLength(all.length);
  });
});

describe('a manifest that is not true ends in commit_invalid, a failed run, and nothing else', () => {
  const stray = makeObject('data_pack');
  const cases: [string, RegExp, () => { text: string; signature: string }][] = [
    [
      'signed by another key',
      /signature/,
      () => ({ ...signed(device.manifest(runId, objects)), signature: randomBytes(64).toString('base64url') }),
    ],
    [
      'changed after it was signed',
      /signature/,
      () => {
        const { signature } = signed(device.manifest(runId, objects));
        return { text: canonicalJson(device.manifest(runId, objects, { unreadCount: 9 })), signature };
      },
    ],
    [
      'with more files changed than there were',
      /malformed at changes/,
      () =>
        signed({
          ...device.manifest(runId, objects),
          changes: {
            ...{ files: { former: 3, changed: 2, gone: 2 }, readBytes: 1, newBytes: 1, storedBytes: 1 },
            entropy: null,
          },
        }),
    ],
    ['with an unknown member', /malformed/, () => signed({ ...device.manifest(runId, objects), extra: 1 })],
    [
      'with a name that leads elsewhere',
      /malformed at objects/,
      () => signed(device.manifest(runId, replaced('data_pack', { key: '../../other/data' }))),
    ],
    ['of another run', /another run/, () => signed(device.manifest(newId(), objects))],
    ['of another vault', /another run or vault/, () => signed(device.manifest(runId, objects, { vaultId: newId() }))],
    [
      'of another repository',
      /another run or vault/,
      () => signed(device.manifest(runId, objects, { repositoryId: 'a'.repeat(64) })),
    ],
    [
      'without its own snapshot',
      /its own snapshot/,
      () => signed(device.manifest(runId, objects, { snapshotId: 'b'.repeat(64) })),
    ],
    [
      'naming an object that was never leased',
      new RegExp(stray.key),
      () => signed(device.manifest(runId, [...objects, stray])),
    ],
    ['with a wrong size', /not leased/, () => signed(device.manifest(runId, replaced('data_pack', { size: 299 })))],
    [
      'with a wrong checksum',
      /not leased/,
      () => signed(device.manifest(runId, replaced('index', { crc32c: 'AAAAAA==' }))),
    ],
    [
      'with a data pack that calls itself a tree pack',
      /not leased/,
      () => signed(device.manifest(runId, replaced('data_pack', { kind: 'tree_pack' }))),
    ],
    [
      'needing a pack that the vault does not hold',
      /needs the pack c{64}/,
      () => signed(device.manifest(runId, objects, { packIds: ['c'.repeat(64)] })),
    ],
    ['listing an object twice', /twice/, () => signed(device.manifest(runId, [...objects, kindAt('data_pack')]))],
    [
      'bringing a new config',
      /no backup may bring/,
      () => signed(device.manifest(runId, [...objects, makeObject('config')])),
    ],
  ];

  test.each(cases)('%s', async (_what, message, request) => {
    const before = await ledger();
    const error = await commitRun(services, device.scope, runId, request()).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: 'commit_invalid' });
    expect((error as HoldfastError).message).toMatch(message);
    expect(await viewRun(services, device.scope, runId)).toMatchObject({ state: 'failed', outcome: 'failed' });
    expect(await ledger()).toEqual(before);
    expect(await count('run_manifest', runId)).toBe(0);
    expect(await count('job_intent', runId)).toBe(0);
    expect(await count('restore_point', runId)).toBe(0);
    // the run has ended: a true manifest comes too late
    const late = signed(device.manifest(runId, objects));
    await expect(commitRun(services, device.scope, runId, late)).rejects.toMatchObject({ code: 'run_not_open' });
  });

  test('a pack that lies in the vault of another device does not count', async () => {
    const other = await readyTestDevice(services, await tenant.customers[0].createToken());
    const theirs = makeBackup();
    const theirRun = await other.startRun();
    await other.upload(theirRun, theirs);
    await admin.query(`UPDATE stored_object SET state = 'sealed', sealed_at = now() WHERE run_id = $1`, [theirRun]);
    const packId = theirs[0]?.key.slice(-64) ?? '';
    const request = signed(device.manifest(runId, objects, { packIds: [packId] }));
    await expect(commitRun(services, device.scope, runId, request)).rejects.toMatchObject({ code: 'commit_invalid' });
    await expect(commitRun(services, device.scope, theirRun, request)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('a run that a newer one replaced can no longer commit', async () => {
    const newer = await device.startRun();
    const request = signed(device.manifest(runId, objects));
    await expect(commitRun(services, device.scope, runId, request)).rejects.toMatchObject({ code: 'run_not_open' });
    expect(await viewRun(services, device.scope, newer)).toMatchObject({ state: 'running' });
  });
});

describe('a lease', () => {
  test('of what an interrupted run uploaded says present, and of what it did not upload gives a URL', async () => {
    const [pack] = objects;
    const missing = makeObject('data_pack');
    await leaseObjects(services, device.scope, runId, { objects: [described(missing)] });
    const next = await device.startRun();
    const wish = { objects: [described(pack!), described(missing)] };
    const { uploads } = await leaseObjects(services, device.scope, next, wish);
    expect(uploads.map(({ state }) => state)).toEqual(['present', 'upload']);
  });

  test('of a known name with other bytes is refused, and leases nothing of the request', async () => {
    const fresh = makeObject('data_pack');
    const wish = { objects: [described(fresh), { ...described(objects[0]!), size: 1 }] };
    await expect(leaseObjects(services, device.scope, runId, wish)).rejects.toMatchObject({ code: 'object_mismatch' });
    expect((await ledger())[fresh.key]).toBeUndefined();
  });
});
