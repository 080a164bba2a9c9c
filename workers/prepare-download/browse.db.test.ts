/** Browsing a restore point and downloading from it: what arrives is what was backed up, byte for byte and name for name. */
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ObjectStore } from '../../core/storage/port.ts';
import { openDownload } from '../../server/downloads/open-download.ts';
import { requestDownload } from '../../server/downloads/request-download.ts';
import { tidyTenant } from '../../server/housekeeping/tidy-tenant.ts';
import { requestListing } from '../../server/listings/request-listing.ts';
import { type StartedServices, startWorkerServices } from '../testing/start-worker-services.ts';
import { TestDevice, workThrough } from '../testing/test-device.ts';

let services: StartedServices;
let device: TestDevice;
let pointId: string;
const big = randomBytes(2 * 1024 * 1024);
const ODD_NAMES = [
  'spaces and ümläute.txt',
  '日本語.txt',
  'quote\'"s.txt',
  '-rf',
  'line\nbreak',
  'trailing.',
  '%2e%2e',
  'a\\b',
];

beforeAll(async () => {
  services = await startWorkerServices();
  device = await TestDevice.enrol(services, {
    'canary.txt': 'sing',
    'big.bin': big,
    'empty.txt': '',
    'sub/deep/x.txt': 'x',
  });
  const odd = path.join(device.source, 'odd');
  mkdirSync(path.join(odd, 'empty folder'), { recursive: true });
  for (const name of ODD_NAMES) writeFileSync(path.join(odd, name), `contents of ${name}`);
  symlinkSync('-rf', path.join(odd, 'link'));
  utimesSync(path.join(odd, '-rf'), 1_700_000_000, 1_700_000_000);
  const { result } = await device.backUp();
  pointId = (await device.point(result.snapshotId)).id;
});
afterAll(() => services.stop());

/** The download as its row says. */
const rowOf = async (id: string) =>
  await device.sql((tx) => tx.download.findFirstOrThrow({ where: { tenantId: device.tenant.id, id } }));
const owner = () => device.tenant.owner;
const viewer = () => device.tenant.customers[0].viewer;
const stranger = () => device.tenant.customers[1].viewer;

async function list(folder: string, scope = owner()) {
  await requestListing(services, scope, { restorePointId: pointId, path: folder });
  await device.work(['list-folder']);
  return await requestListing(services, scope, { restorePointId: pointId, path: folder });
}

async function download(file: string, kind: 'file' | 'zip', scope = owner()): Promise<{ id: string; bytes: Buffer }> {
  const { downloadId } = await requestDownload(services, scope, { restorePointId: pointId, path: file, kind });
  await device.work(['prepare-download']);
  const bytes = Buffer.from(await services.store.get(`downloads/${device.tenant.id}/${downloadId}`));
  return { id: downloadId, bytes };
}

describe('browsing', () => {
  test('a folder is queued first, and then shows what is on the disk', async () => {
    const first = await requestListing(services, owner(), { restorePointId: pointId, path: device.source });
    expect(first).toMatchObject({ state: 'queued', entries: [] });
    const listing = await list(device.source);
    expect(listing).toMatchObject({ state: 'ready', errorMessage: null });
    const onDisk = readdirSync(device.source, { withFileTypes: true });
    const expected = onDisk.map((entry) => `${entry.isDirectory() ? 'dir' : 'file'} ${entry.name}`).sort();
    expect(listing.entries.map(({ type, name }) => `${type} ${name}`).sort()).toEqual(expected);
    expect(listing.entries.find(({ name }) => name === 'big.bin')).toMatchObject({ size: big.length });
  });
  test('odd names and links are shown, and slashes do not matter', async () => {
    const { entries } = await list(`/${device.source}//odd/`);
    expect(entries.map(({ name }) => name).sort()).toEqual([...ODD_NAMES, 'empty folder', 'link'].sort());
    expect(entries.find(({ name }) => name === 'link')).toMatchObject({ type: 'symlink', linkTarget: '-rf' });
    expect(entries.find(({ name }) => name === '-rf')?.mtime).toBe(1_700_000_000_000);
  });
  test('what is not there says so, and a path that leads upwards is none', async () => {
    expect(await list('/nowhere')).toMatchObject({
      state: 'failed',
      errorMessage: expect.stringContaining('no such folder'),
    });
    await expect(list('/a/../b')).rejects.toMatchObject({ code: 'bad_request' });
  });
  test('is for the customer whose data it is, and for nobody else', async () => {
    expect(await list(device.source, viewer())).toMatchObject({ state: 'ready' });
    await expect(list(device.source, stranger())).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('a download', () => {
  test('of a file has its very bytes, and opens for who asked alone, for a minute', async () => {
    const { id, bytes } = await download(`${device.source}/big.bin`, 'file', viewer());
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(createHash('sha256').update(big).digest('hex'));
    expect(await rowOf(id)).toMatchObject({
      state: 'ready',
      size: BigInt(big.length),
      fileName: 'big.bin',
    });
    const asked = await device.sql((tx) =>
      tx.restoreRequest.findFirstOrThrow({ where: { tenantId: device.tenant.id, id } }),
    );
    expect(asked).toMatchObject({
      ...{ state: 'delivered', asker: 'customer', way: 'download', bytes: BigInt(big.length) },
      ...{ startedAt: expect.any(Date), firstByteAt: expect.any(Date), endedAt: expect.any(Date) },
    });
    const { url } = await openDownload(services, viewer(), id);
    expect(url).toContain(id);
    await expect(openDownload(services, owner(), id)).rejects.toMatchObject({ code: 'not_found' });
    await expect(openDownload(services, stranger(), id)).rejects.toMatchObject({ code: 'not_found' });
  });
  test('of an empty file is empty', async () => {
    expect((await download(`${device.source}/empty.txt`, 'file')).bytes.length).toBe(0);
  });
  test('of a folder is a zip that unzip unpacks to the same files', async () => {
    const { bytes } = await download(device.source, 'zip');
    const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-unzip-'));
    const archive = path.join(folder, 'all.zip');
    writeFileSync(archive, bytes);
    const listed = execFileSync('unzip', ['-l', archive], { encoding: 'utf8' });
    const base = path.basename(device.source);
    // canary, big, empty, x, the odd ones and the link; folders: sub, deep, odd, empty folder.
    const entries = 4 + ODD_NAMES.length + 1 + 4;
    expect(listed).toContain(`${entries} files`);
    expect(listed).toContain(`${base}/odd/-rf`);
    execFileSync('unzip', ['-q', '-o', archive, '-d', path.join(folder, 'out')], {
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    });
    execFileSync('unzip', ['-tq', archive]);
    const out = path.join(folder, 'out', base);
    expect(readFileSync(path.join(out, 'big.bin')).equals(big)).toBe(true);
    expect(readFileSync(path.join(out, 'sub/deep/x.txt'), 'utf8')).toBe('x');
    for (const name of ['spaces and ümläute.txt', '日本語.txt', '-rf', '%2e%2e'])
      expect(readFileSync(path.join(out, 'odd', name), 'utf8')).toBe(`contents of ${name}`);
    expect(readFileSync(path.join(out, 'odd', 'a_b'), 'utf8')).toBe('contents of a\\b');
    rmSync(folder, { recursive: true });
  });
  test('asked for again is the same one, until it has failed', async () => {
    const ask = async (file: string) =>
      await requestDownload(services, owner(), { restorePointId: pointId, path: file, kind: 'file' });
    const first = await ask(`${device.source}/canary.txt`);
    expect(await ask(`${device.source}/canary.txt`)).toEqual(first);
    const wrong = await ask(`${device.source}/sub`);
    await device.work(['prepare-download']);
    expect(await rowOf(wrong.downloadId)).toMatchObject({ state: 'failed' });
    expect(await ask(`${device.source}/sub`)).not.toEqual(wrong);
    await device.work(['prepare-download']);
  });
  test('prepared twice, after a crash, is written anew and ends once', async () => {
    const { downloadId } = await requestDownload(services, owner(), {
      restorePointId: pointId,
      path: `${device.source}/sub/deep/x.txt`,
      kind: 'file',
    });
    // What a worker left that died before it could record it.
    await services.store.create(`downloads/${device.tenant.id}/${downloadId}`, Buffer.from('half'));
    expect(await device.work(['prepare-download'])).toEqual(['done']);
    expect(Buffer.from(await services.store.get(`downloads/${device.tenant.id}/${downloadId}`)).toString()).toBe('x');
  });
  test('a damaged piece ends it as failed, and leaves nothing behind', async () => {
    const broken: ObjectStore = {
      ...services.store,
      get: async (key, range) => {
        const bytes = await services.store.get(key, range);
        if (range !== undefined && key.includes('/data/') && bytes.length > 300_000) bytes[1000]! ^= 1;
        return bytes;
      },
    };
    services.clock.advance(1000);
    const { downloadId } = await requestDownload(services, viewer(), {
      restorePointId: pointId,
      path: device.source,
      kind: 'zip',
    });
    await workThrough({ ...services, store: broken }, device.tenant, ['prepare-download']);
    expect(await rowOf(downloadId)).toMatchObject({
      state: 'failed',
      errorMessage: expect.stringContaining('damaged'),
    });
    expect(
      await device.sql((tx) => tx.restoreRequest.findFirst({ where: { tenantId: device.tenant.id, id: downloadId } })),
    ).toMatchObject({ state: 'failed', bytes: null, reason: expect.stringContaining('damaged') });
    expect(await services.store.head(`downloads/${device.tenant.id}/${downloadId}`)).toBeUndefined();
  });
  test('is refused for foreign customers and for a point that is locked away', async () => {
    const wanted = { restorePointId: pointId, path: '/', kind: 'zip' } as const;
    await expect(requestDownload(services, stranger(), wanted)).rejects.toMatchObject({ code: 'not_found' });
    await device.sql((tx) =>
      tx.restorePoint.updateMany({
        where: { tenantId: device.tenant.id },
        data: { state: 'quarantined', isUsable: false, quarantineReason: 'test' },
      }),
    );
    await expect(requestDownload(services, owner(), wanted)).rejects.toMatchObject({ code: 'vault_quarantined' });
    await expect(list(device.source, owner())).rejects.toMatchObject({ code: 'vault_quarantined' });
  });
});

test('housekeeping drops listings, downloads with their objects and nonces when their time is over', async () => {
  const objects = async () => {
    const keys: string[] = [];
    for await (const { key } of services.store.list(`downloads/${device.tenant.id}/`)) keys.push(key);
    return keys.length;
  };
  expect(await objects()).toBeGreaterThan(0);
  await device.sql((tx) =>
    tx.deviceNonce.create({
      data: {
        tenantId: device.tenant.id,
        deviceId: device.enrolled.deviceId,
        customerId: device.enrolled.customerId,
        nonce: 'n',
        seenAt: new Date(services.clock.nowMs()),
      },
    }),
  );
  await tidyTenant(services, device.tenant.system);
  expect(await objects()).toBeGreaterThan(0);
  services.clock.advance(2 * 3_600_000);
  await tidyTenant(services, device.tenant.system);
  expect(await objects()).toBe(0);
  const left = await device.sql(async (tx) => ({
    nonces: await tx.deviceNonce.count({ where: { tenantId: device.tenant.id } }),
    listings: await tx.folderListing.count({ where: { tenantId: device.tenant.id } }),
    downloads: await tx.download.count({ where: { tenantId: device.tenant.id } }),
    sealed: await tx.storedObject.count({ where: { tenantId: device.tenant.id, state: 'sealed' } }),
  }));
  expect(left).toMatchObject({ nonces: 0, listings: 0, downloads: 0 });
  expect(left.sealed).toBeGreaterThan(4);
});
