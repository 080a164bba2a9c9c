import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { manualClock } from '../core/base/clock.ts';
import { crc32cBase64 } from '../core/base/crc32c.ts';
import { silentLog } from '../core/base/log.ts';
import { createFileStore } from '../core/storage/file-store.ts';
import { createMemoryStore } from '../core/storage/memory-store.ts';
import type { ObjectStore } from '../core/storage/port.ts';
import type { UrlSigning } from '../core/storage/signed-url.ts';
import { bytesOf, sha256Hex } from '../core/storage/testing/conformance.ts';
import { describeSignedStore } from '../core/storage/testing/signed-conformance.ts';
import { createObjectEndpoint, parseRange } from './object-endpoint.ts';
import { type ServedGateway, serveGateway } from './serve-gateway.ts';

const LOOPBACK = { host: '127.0.0.1', port: 0 };
const START_MS = Date.UTC(2026, 0, 1);

/** The store needs the endpoint's address to sign, the endpoint needs the store: the address is filled in once known. */
async function serveStore(make: (signing: UrlSigning) => ObjectStore) {
  const clock = manualClock(START_MS);
  const signing = { baseUrl: '', key: randomBytes(32) };
  const store = make(signing);
  const listening = await serveGateway(
    createObjectEndpoint({ store, signingKey: signing.key, clock, log: silentLog }),
    LOOPBACK,
  );
  signing.baseUrl = listening.url;
  return { store, clock, listening, nowMs: () => clock.nowMs(), passTime: async (ms: number) => clock.advance(ms) };
}

describeSignedStore('file store through the gateway', async () => {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-endpoint-'));
  const served = await serveStore((signing) => createFileStore({ root, signing }));
  return {
    ...served,
    close: async () => {
      await served.listening.close(0);
      await rm(root, { recursive: true, force: true });
    },
  };
});

describeSignedStore('memory store through the gateway', async () => {
  const served = await serveStore((signing) => createMemoryStore({ signing }));
  return { ...served, close: () => served.listening.close(0) };
});

describe('object endpoint', () => {
  let root: string;
  let served: Awaited<ReturnType<typeof serveStore>>;
  let listening: ServedGateway;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'holdfast-endpoint-'));
    served = await serveStore((signing) => createFileStore({ root, signing }));
    listening = served.listening;
  });
  afterEach(async () => {
    await listening.close(0);
    await rm(root, { recursive: true, force: true });
  });

  const termsFor = (bytes: Uint8Array) => ({
    size: bytes.length,
    crc32c: crc32cBase64(bytes),
    sha256: sha256Hex(bytes),
    expiresMs: served.clock.nowMs() + 60_000,
  });

  async function refusal(response: Response): Promise<{ code: string; action: string; message: string }> {
    return ((await response.json()) as { error: { code: string; action: string; message: string } }).error;
  }

  test('401 with the reason when a URL was altered or is unsigned', async () => {
    for (const target of ['/objects/v1/a', '/objects/v1/a?signature=AAAA', '/objects/v1/../../etc/passwd']) {
      const response = await fetch(listening.url + target);
      expect([401, 404]).toContain(response.status);
      expect(response.status === 404 || (await refusal(response)).code === 'signature_invalid').toBe(true);
    }
  });

  test('401 when a parameter comes twice, even with the signed value', async () => {
    const bytes = bytesOf('twice');
    const { url, headers } = await served.store.signUpload('a', termsFor(bytes));
    const send = async (target: string): Promise<number> =>
      (await fetch(target, { method: 'PUT', headers: { ...headers }, body: Buffer.from(bytes) })).status;
    for (const [name, value] of new URL(url).searchParams)
      expect(await send(`${url}&${new URLSearchParams({ [name]: value })}`), name).toBe(401);
    expect(await send(url)).toBe(200);
  });

  test('403 lease_expired tells an uploader to ask for a new lease', async () => {
    const bytes = bytesOf('late');
    const { url, headers } = await served.store.signUpload('a', termsFor(bytes));
    served.clock.advance(60_000);
    const response = await fetch(url, { method: 'PUT', headers: { ...headers }, body: Buffer.from(bytes) });
    expect(response.status).toBe(403);
    expect(await refusal(response)).toMatchObject({ code: 'lease_expired', action: 'retry' });
  });

  test('422 object_mismatch when the bytes do not hash to what was leased, even with the right CRC32C', async () => {
    const bytes = randomBytes(5000);
    const terms = { ...termsFor(bytes), sha256: sha256Hex(bytesOf('something else')) };
    const { url, headers } = await served.store.signUpload('a', terms);
    const response = await fetch(url, { method: 'PUT', headers: { ...headers }, body: bytes });
    expect(response.status).toBe(422);
    expect(await refusal(response)).toMatchObject({ code: 'object_mismatch' });
    expect(await served.store.sizeOf('a')).toBeUndefined();
  });

  test('an upload that breaks off leaves nothing, not even a temporary file', async () => {
    const bytes = randomBytes(2_000_000);
    const { url } = await served.store.signUpload('a', termsFor(bytes));
    const { port, pathname, search } = new URL(url);
    await new Promise<void>((resolve, reject) => {
      const socket = connect(Number(port), '127.0.0.1', () => {
        socket.write(`PUT ${pathname}${search} HTTP/1.1\r\nhost: x\r\ncontent-length: ${bytes.length}\r\n\r\n`);
        socket.write(bytes.subarray(0, 1_000_000), () => setTimeout(() => socket.destroy(), 100));
      });
      socket.on('close', () => resolve());
      socket.on('error', reject);
    });
    await expect.poll(() => readdir(join(root, '.tmp')), { timeout: 5000 }).toEqual([]);
    expect(await served.store.sizeOf('a')).toBeUndefined();
    const { headers } = await served.store.signUpload('a', termsFor(bytes));
    expect((await fetch(url, { method: 'PUT', headers: { ...headers }, body: bytes })).status).toBe(200);
  });

  test('a chunked upload without a length is measured as it comes', async () => {
    const bytes = randomBytes(300_000);
    const send = async (key: string, sent: Uint8Array): Promise<number> => {
      const { url } = await served.store.signUpload(key, termsFor(bytes));
      const body = Readable.toWeb(Readable.from([sent.subarray(0, 1000), sent.subarray(1000)])) as ReadableStream;
      const init: RequestInit & { duplex: 'half' } = { method: 'PUT', body, duplex: 'half' };
      // A refusal may close the connection while the client still sends: both are a refusal to the sender.
      return await fetch(url, init).then(
        (response) => response.status,
        () => 0,
      );
    };
    expect(await send('right', bytes)).toBe(200);
    expect([422, 0]).toContain(await send('long', Buffer.concat([bytes, randomBytes(500_000)])));
    expect(await send('short', bytes.subarray(1))).toBe(422);
    expect(await served.store.sizeOf('long')).toBeUndefined();
    expect(await served.store.sizeOf('short')).toBeUndefined();
  });

  test('a large object is read in pieces and may be left in the middle', async () => {
    const bytes = randomBytes(7 * 1024 * 1024 + 5);
    await served.store.create('large', bytes);
    const { url } = await served.store.signDownload('large', { expiresMs: served.clock.nowMs() + 60_000 });
    expect(Buffer.from(await (await fetch(url)).arrayBuffer()).equals(bytes)).toBe(true);
    const reader = (await fetch(url)).body!.getReader();
    expect((await reader.read()).value!.length).toBeGreaterThan(0);
    await reader.cancel();
    const part = await fetch(url, { headers: { range: `bytes=${3 * 1024 * 1024}-` } });
    expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(3 * 1024 * 1024))).toBe(true);
  });

  test('what is downloaded is never shown as a page of ours', async () => {
    await served.store.create('page', bytesOf('<script>alert(1)</script>'));
    const { url } = await served.store.signDownload('page', { expiresMs: served.clock.nowMs() + 60_000 });
    const response = await fetch(url);
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('content-security-policy')).toContain('sandbox');
    expect(response.headers.get('cache-control')).toContain('no-store');
  });

  test('works mounted in another app', async () => {
    const app = new Hono<{ Bindings: HttpBindings }>();
    const signing = { baseUrl: '', key: randomBytes(32) };
    const store = createMemoryStore({ signing });
    app.route('/', createObjectEndpoint({ store, signingKey: signing.key, clock: served.clock, log: silentLog }));
    const mounted = await serveGateway(app, LOOPBACK);
    signing.baseUrl = mounted.url;
    await store.create('a', bytesOf('hello'));
    const { url } = await store.signDownload('a', { expiresMs: served.clock.nowMs() + 60_000 });
    expect(await (await fetch(url)).text()).toBe('hello');
    await mounted.close(0);
  });
});

test('ranges are read as RFC 9110 says', () => {
  expect(parseRange(undefined, 10)).toBeUndefined();
  expect(parseRange('bytes=0-', 10)).toEqual({ first: 0, last: 9 });
  expect(parseRange('bytes=2-5', 10)).toEqual({ first: 2, last: 5 });
  expect(parseRange('bytes=2-50', 10)).toEqual({ first: 2, last: 9 });
  expect(parseRange('bytes=-3', 10)).toEqual({ first: 7, last: 9 });
  expect(parseRange('bytes=-30', 10)).toEqual({ first: 0, last: 9 });
  expect(parseRange('bytes=-0', 10)).toBe('unsatisfiable');
  expect(parseRange('bytes=10-', 10)).toBe('unsatisfiable');
  expect(parseRange('bytes=0-', 0)).toBe('unsatisfiable');
  for (const ignored of ['bytes=', 'bytes=-', 'bytes=5-2', 'bytes=0-1,3-4', 'lines=1-2', 'bytes=a-b'])
    expect(parseRange(ignored, 10), ignored).toBeUndefined();
});
