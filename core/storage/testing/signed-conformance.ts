/**
 * What signed URLs must allow and refuse, against whoever serves them: the gateway's object endpoint for the embedded
 * store, Google Cloud Storage (or its emulator) for the other. The holder of a URL speaks plain HTTP, as an agent does.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { crc32cBase64 } from '../../base/crc32c.ts';
import type { ObjectStore, SignedRequest, UploadTerms } from '../port.ts';
import { bytesOf, keysOf, sha256Hex } from './conformance.ts';

export interface SignedStoreUnderTest {
  readonly store: ObjectStore;
  /** The time by which URLs expire. */
  nowMs(): number;
  /** Lets that much time go by: a manual clock is moved, a real one awaited. */
  passTime(ms: number): Promise<void>;
  close(): Promise<void>;
}

export function describeSignedStore(name: string, open: () => Promise<SignedStoreUnderTest>): void {
  describe(`signed URLs: ${name}`, () => {
    const run = `conformance/${randomBytes(6).toString('hex')}`;
    let subject: SignedStoreUnderTest;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(async () => {
      for (const key of await keysOf(subject.store, `${run}/`)) await subject.store.remove(key);
      await subject.close();
    });
    const api: Api = {
      subject: () => subject,
      key: (tail) => `${run}/${tail}`,
      terms: (bytes, lifeMs = 60_000) => ({
        size: bytes.length,
        crc32c: crc32cBase64(bytes),
        sha256: sha256Hex(bytes),
        expiresMs: subject.nowMs() + lifeMs,
      }),
      async expectNothingAt(tail) {
        expect(await subject.store.head(`${run}/${tail}`)).toBeUndefined();
      },
    };
    describeUploads(api);
    describeUploadRefusals(api);
    describeDownloads(api);
  });
}

interface Api {
  subject(): SignedStoreUnderTest;
  key(tail: string): string;
  terms(bytes: Uint8Array, lifeMs?: number): UploadTerms;
  expectNothingAt(tail: string): Promise<void>;
}

async function put(request: SignedRequest, bytes: Uint8Array, headers: Record<string, string> = {}): Promise<number> {
  const init = { method: 'PUT', headers: { ...request.headers, ...headers }, body: Buffer.from(bytes) };
  const response = await fetch(request.url, init);
  await response.arrayBuffer();
  return response.status;
}

async function status(request: SignedRequest, init: RequestInit = {}): Promise<number> {
  const response = await fetch(request.url, { method: request.method, ...init });
  await response.arrayBuffer();
  return response.status;
}

/** Refused by decision, not by an accident of the server. */
function expectRefused(code: number): void {
  expect(code).toBeGreaterThanOrEqual(400);
  expect(code).toBeLessThan(500);
}

function describeUploads({ subject, key, terms }: Api): void {
  test('the right bytes are stored under the right name', async () => {
    for (const size of [0, 1, 70_000, 5 * 1024 * 1024 + 3]) {
      const bytes = randomBytes(size);
      const name = key(`up/${size}`);
      const request = await subject().store.signUpload(name, terms(bytes));
      expect(request.method).toBe('PUT');
      expect(await put(request, bytes), `${size} bytes`).toBe(200);
      expect(await subject().store.head(name)).toMatchObject({ size, crc32c: crc32cBase64(bytes) });
      expect(Buffer.from(await subject().store.get(name)).equals(bytes)).toBe(true);
    }
  });

  test('a second use answers 412 and changes nothing', async () => {
    const bytes = randomBytes(1000);
    const request = await subject().store.signUpload(key('twice'), terms(bytes));
    expect(await put(request, bytes)).toBe(200);
    const before = await subject().store.head(key('twice'));
    expect(await put(request, bytes)).toBe(412);
    expect(await subject().store.head(key('twice'))).toEqual(before);
  });

  test('a name that is taken answers 412, whoever took it', async () => {
    const bytes = randomBytes(1000);
    const request = await subject().store.signUpload(key('taken'), terms(bytes));
    await subject().store.create(key('taken'), bytesOf('somebody else was first'));
    expect(await put(request, bytes)).toBe(412);
    expect(Buffer.from(await subject().store.get(key('taken'))).toString()).toBe('somebody else was first');
  });

  test('of concurrent uses exactly one succeeds, the others answer 412', async () => {
    const bytes = randomBytes(200_000);
    const request = await subject().store.signUpload(key('parallel'), terms(bytes));
    const codes = await Promise.all(Array.from({ length: 6 }, () => put(request, bytes)));
    expect(codes.filter((code) => code === 200)).toHaveLength(1);
    expect(codes.filter((code) => code === 412)).toHaveLength(5);
  });
}

function describeUploadRefusals({ subject, key, terms, expectNothingAt }: Api): void {
  test('bytes of the wrong size are refused, shorter and longer', async () => {
    const bytes = randomBytes(10_000);
    const request = await subject().store.signUpload(key('size'), terms(bytes));
    expectRefused(await put(request, bytes.subarray(1)));
    expectRefused(await put(request, Buffer.concat([bytes, Buffer.from('x')])));
    expectRefused(await put(request, new Uint8Array(0)));
    await expectNothingAt('size');
    expect(await put(request, bytes)).toBe(200);
  });

  test('other bytes of the right size are refused', async () => {
    const bytes = randomBytes(10_000);
    const request = await subject().store.signUpload(key('bytes'), terms(bytes));
    const other = Buffer.from(bytes);
    other[5000] = other[5000]! ^ 1;
    expectRefused(await put(request, other));
    await expectNothingAt('bytes');
  });

  test('a URL that was signed for a wrong checksum stores nothing', async () => {
    const bytes = randomBytes(10_000);
    const request = await subject().store.signUpload(key('crc'), { ...terms(bytes), crc32c: 'AAAAAA==' });
    expectRefused(await put(request, bytes));
    await expectNothingAt('crc');
  });

  test('an expired URL is refused', async () => {
    const bytes = randomBytes(1000);
    const request = await subject().store.signUpload(key('late'), terms(bytes, 2000));
    await subject().passTime(3500);
    expectRefused(await put(request, bytes));
    await expectNothingAt('late');
  });

  test('a URL that was altered is refused, in its name and in each of its parameters', async () => {
    const bytes = randomBytes(1000);
    const request = await subject().store.signUpload(key('altered'), terms(bytes));
    const renamed = request.url.replace('/altered?', '/altered2?');
    expect(renamed).not.toBe(request.url);
    expectRefused(await put({ ...request, url: renamed }, bytes));
    for (const name of new URL(request.url).searchParams.keys()) {
      const altered = new URL(request.url);
      const value = altered.searchParams.get(name)!;
      const letter = value.at(-2) === '1' ? '2' : '1';
      altered.searchParams.set(name, value.slice(0, -2) + letter + value.slice(-1));
      if (altered.href === request.url) continue;
      expectRefused(await put({ ...request, url: altered.href }, bytes));
      const without = new URL(request.url);
      without.searchParams.delete(name);
      expectRefused(await put({ ...request, url: without.href }, bytes));
    }
    const more = new URL(request.url);
    more.searchParams.set('extra', '1');
    expectRefused(await put({ ...request, url: more.href }, bytes));
    await expectNothingAt('altered');
    await expectNothingAt('altered2');
  });

  test('an upload URL does not read or delete, and a download URL does not write', async () => {
    const bytes = randomBytes(1000);
    const upload = await subject().store.signUpload(key('method'), terms(bytes));
    expect(await put(upload, bytes)).toBe(200);
    expectRefused(await status(upload, { method: 'GET', headers: { ...upload.headers } }));
    expectRefused(await status(upload, { method: 'DELETE', headers: { ...upload.headers } }));
    const download = await subject().store.signDownload(key('method'), { expiresMs: subject().nowMs() + 60_000 });
    expectRefused(await put(download, bytesOf('other')));
    expectRefused(await status(download, { method: 'DELETE' }));
    expect(Buffer.from(await subject().store.get(key('method'))).equals(bytes)).toBe(true);
  });
}

function describeDownloads({ subject, key }: Api): void {
  test('gives the object, a part of it, and its end', async () => {
    const bytes = randomBytes(300_000);
    await subject().store.create(key('down/a'), bytes);
    const request = await subject().store.signDownload(key('down/a'), { expiresMs: subject().nowMs() + 60_000 });
    expect(request.method).toBe('GET');
    const whole = await fetch(request.url, { headers: { ...request.headers } });
    expect(whole.status).toBe(200);
    expect(whole.headers.get('content-length')).toBe('300000');
    expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true);
    const cases = [
      ['bytes=0-0', bytes.subarray(0, 1), 'bytes 0-0/300000'],
      ['bytes=1000-1999', bytes.subarray(1000, 2000), 'bytes 1000-1999/300000'],
      ['bytes=299990-', bytes.subarray(299_990), 'bytes 299990-299999/300000'],
      ['bytes=299990-400000', bytes.subarray(299_990), 'bytes 299990-299999/300000'],
      ['bytes=-16', bytes.subarray(-16), 'bytes 299984-299999/300000'],
    ] as const;
    for (const [range, expected, contentRange] of cases) {
      const part = await fetch(request.url, { headers: { ...request.headers, range } });
      expect(part.status, range).toBe(206);
      expect(part.headers.get('content-range')).toBe(contentRange);
      expect(Buffer.from(await part.arrayBuffer()).equals(expected), range).toBe(true);
    }
    expect(await status(request, { headers: { range: 'bytes=300000-' } })).toBe(416);
  });

  test('an empty object comes as no bytes', async () => {
    await subject().store.create(key('down/empty'), new Uint8Array(0));
    const request = await subject().store.signDownload(key('down/empty'), { expiresMs: subject().nowMs() + 60_000 });
    const response = await fetch(request.url);
    expect(response.status).toBe(200);
    expect((await response.arrayBuffer()).byteLength).toBe(0);
  });

  test('is saved under the name that was signed', async () => {
    await subject().store.create(key('down/named'), bytesOf('x'));
    const terms = { expiresMs: subject().nowMs() + 60_000, filename: 'Bücher "2026".zip' };
    const request = await subject().store.signDownload(key('down/named'), terms);
    const response = await fetch(request.url);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-disposition')).toBe(
      `attachment; filename="B_cher _2026_.zip"; filename*=UTF-8''B%C3%BCcher%20_2026_.zip`,
    );
    await response.arrayBuffer();
  });

  test('refuses what is expired or altered, and says 404 for what is not there', async () => {
    await subject().store.create(key('down/secret'), bytesOf('secret'));
    await subject().store.create(key('down/other'), bytesOf('other'));
    const request = await subject().store.signDownload(key('down/secret'), { expiresMs: subject().nowMs() + 2000 });
    const other = { ...request, url: request.url.replace('/down/secret', '/down/other') };
    expect(other.url).not.toBe(request.url);
    expectRefused(await status(other));
    for (const name of new URL(request.url).searchParams.keys()) {
      const without = new URL(request.url);
      without.searchParams.delete(name);
      expectRefused(await status({ ...request, url: without.href }));
    }
    await subject().passTime(3500);
    expectRefused(await status(request));
    const nothing = await subject().store.signDownload(key('down/none'), { expiresMs: subject().nowMs() + 60_000 });
    expect(await status(nothing)).toBe(404);
  });
}
