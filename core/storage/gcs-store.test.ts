import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { crc32cBase64 } from '../base/crc32c.ts';
import { createGcsStore, type GcsStoreOptions } from './gcs-store.ts';
import { bytesOf, describeStore, inPieces, keysOf, streamOf } from './testing/conformance.ts';
import { type GcsEmulator, type GcsEmulatorOptions, startGcsEmulator } from './testing/gcs-emulator.ts';
import { describeSignedStore } from './testing/signed-conformance.ts';

const account = 'signer@demo.iam.gserviceaccount.com';
const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});

/** The pages are small, so that every listing crosses them. */
const emulated: GcsEmulatorOptions = { signers: { [account]: publicKey }, buckets: ['vault'], pageObjectsMax: 40 };

function optionsFor(emulator: GcsEmulator, more: Partial<GcsStoreOptions> = {}): GcsStoreOptions {
  return {
    bucket: 'vault',
    storage: { apiEndpoint: emulator.url, projectId: 'demo' },
    credentials: { client_email: account, private_key: privateKey },
    // Waits are counted in the tests below; here they would only cost time.
    retry: { sleep: async () => undefined },
    ...more,
  };
}

for (const prefix of [undefined, 'some/folder']) {
  describeStore(`gcs client and emulator, prefix ${prefix ?? 'none'}`, async () => {
    const emulator = await startGcsEmulator(emulated);
    const more = prefix === undefined ? {} : { prefix };
    return {
      store: createGcsStore(optionsFor(emulator, more)),
      reopen: async () => createGcsStore(optionsFor(emulator, more)),
      close: () => emulator.close(),
    };
  });
}

describeSignedStore('gcs client and emulator', async () => {
  // Google's client compares with the machine's clock when it signs: ours must run with it, however slow the machine is.
  let passedMs = 0;
  const clock = { nowMs: () => Date.now() + passedMs };
  const emulator = await startGcsEmulator({ ...emulated, clock });
  return {
    store: createGcsStore(optionsFor(emulator, { clock, prefix: 'some/folder' })),
    nowMs: () => clock.nowMs(),
    passTime: async (ms) => {
      passedMs += ms;
    },
    close: () => emulator.close(),
  };
});

describe('gcs store in trouble', () => {
  let emulator: GcsEmulator;
  let waits: number[];
  let store: ReturnType<typeof createGcsStore>;
  beforeEach(async () => {
    emulator = await startGcsEmulator(emulated);
    waits = [];
    const retry = { sleep: async (ms: number) => void waits.push(ms), random: () => 0.5 };
    store = createGcsStore(optionsFor(emulator, { retry }));
  });
  afterEach(() => emulator.close());

  const upload = { method: 'POST', pathIncludes: '/upload/' } as const;

  test('tries again after 408, 429, 5xx and broken lines, with growing waits', async () => {
    for (const answer of [503, 429, 408, 'drop', 500] as const) emulator.trouble({ ...upload, answer, when: 'before' });
    expect(await store.create('a', bytesOf('hello'))).toBe('created');
    expect(waits).toEqual([125, 250, 500, 1000, 2000]);
    expect(emulator.requests.filter((line) => line.startsWith('POST /upload/'))).toHaveLength(6);
  });

  test('gives up with storage_unavailable and stores nothing', async () => {
    for (let at = 0; at < 6; at++) emulator.trouble({ ...upload, answer: 503, when: 'before' });
    await expect(store.create('a', bytesOf('hello'))).rejects.toMatchObject({ code: 'storage_unavailable' });
    expect(waits).toHaveLength(5);
    expect(await store.head('a')).toBeUndefined();
  });

  test('does not retry what a retry cannot mend', async () => {
    emulator.trouble({ ...upload, answer: 403, when: 'before' });
    await expect(store.create('a', bytesOf('hello'))).rejects.toMatchObject({ code: 'storage_unavailable' });
    expect(waits).toEqual([]);
  });

  test('a lost answer to an own create counts as created', async () => {
    for (const answer of ['drop', 503] as const) {
      const key = `lost/${answer}`;
      emulator.trouble({ ...upload, answer, when: 'after' });
      expect(await store.create(key, bytesOf('mine'))).toBe('created');
      expect(Buffer.from(await store.get(key)).toString()).toBe('mine');
    }
  });

  test('a 412 after a failed attempt is not taken for an own success when other bytes are there', async () => {
    await createGcsStore(optionsFor(emulator)).create('a', bytesOf('theirs'));
    emulator.trouble({ ...upload, answer: 503, when: 'before' });
    expect(await store.create('a', bytesOf('mine !'))).toBe('exists');
    expect(Buffer.from(await store.get('a')).toString()).toBe('theirs');
  });

  test('reads again after a break in the middle and gives the right bytes', async () => {
    const bytes = randomBytes(3_000_000);
    await store.create('a', bytes);
    emulator.trouble({ method: 'GET', pathIncludes: 'alt=media', answer: 'drop', when: 'middle' });
    expect(Buffer.from(await store.get('a')).equals(bytes)).toBe(true);
    emulator.trouble({ method: 'GET', pathIncludes: 'alt=media', answer: 'drop', when: 'middle' });
    emulator.trouble({ method: 'GET', pathIncludes: 'alt=media', answer: 'drop', when: 'middle' });
    emulator.trouble({ method: 'GET', pathIncludes: 'alt=media', answer: 503, when: 'before' });
    expect(Buffer.from(await streamOf(store, 'a')).equals(bytes)).toBe(true);
    expect(waits.length).toBeGreaterThanOrEqual(3);
    // The stream went on where it broke.
    expect(emulator.requests.filter((line) => line.includes('alt=media&generation=')).length).toBeGreaterThan(0);
  });

  test('bytes that differ from what is stored are not taken for the object', async () => {
    await store.create('a', randomBytes(100_000));
    const flipped = { method: 'GET', pathIncludes: 'alt=media', answer: 'drop', when: 'flipped' } as const;
    emulator.trouble(flipped);
    await expect(store.get('a')).rejects.toMatchObject({ code: 'object_mismatch' });
    emulator.trouble(flipped);
    await expect(streamOf(store, 'a')).rejects.toMatchObject({ code: 'object_mismatch' });
    expect((await store.get('a')).length).toBe(100_000);
  });

  test('head, list and remove survive a passing trouble', async () => {
    await store.create('a', bytesOf('x'));
    emulator.trouble({ method: 'GET', pathIncludes: '/o/a', answer: 503, when: 'before' });
    expect(await store.head('a')).toMatchObject({ size: 1 });
    emulator.trouble({ method: 'GET', pathIncludes: '/o?', answer: 'drop', when: 'before' });
    expect(await keysOf(store, '')).toEqual(['a']);
    emulator.trouble({ method: 'DELETE', pathIncludes: '/o/a', answer: 503, when: 'after' });
    await store.remove('a');
    expect(await store.head('a')).toBeUndefined();
  });

  test('a missing bucket is an error and not an empty store', async () => {
    const lost = createGcsStore(optionsFor(emulator, { bucket: 'no-such-bucket' }));
    const unavailable = { code: 'storage_unavailable' };
    await expect(lost.head('a')).rejects.toMatchObject(unavailable);
    await expect(lost.get('a')).rejects.toMatchObject(unavailable);
    await expect(lost.create('a', bytesOf('x'))).rejects.toMatchObject(unavailable);
    await expect(lost.createFrom('a', inPieces(bytesOf('x'), 1))).rejects.toMatchObject(unavailable);
    await expect(lost.remove('a')).rejects.toMatchObject(unavailable);
    await expect(async () => await keysOf(lost, '')).rejects.toMatchObject(unavailable);
  });

  test('every request carries the access token of the configured identity', async () => {
    const guarded = await startGcsEmulator({ ...emulated, accessToken: 'token-of-this-service' });
    try {
      const headers = new Headers({ authorization: 'Bearer token-of-this-service' });
      // The part of google-auth-library's AuthClient that requests use.
      const authClient = { getRequestHeaders: async () => headers, on: () => authClient } as never;
      const storage = { apiEndpoint: guarded.url, projectId: 'demo', useAuthWithCustomEndpoint: true, authClient };
      const allowed = createGcsStore({ bucket: 'vault', storage });
      const bytes = randomBytes(200_000);
      expect(await allowed.create('a', bytes)).toBe('created');
      expect(await allowed.create('b', bytes)).toBe('created');
      expect(Buffer.from(await allowed.get('a')).equals(bytes)).toBe(true);
      expect(Buffer.from(await streamOf(allowed, 'b')).equals(bytes)).toBe(true);
      expect(await keysOf(allowed, '')).toEqual(['a', 'b']);
      await allowed.remove('b');
      const anonymous = createGcsStore(optionsFor(guarded));
      await expect(anonymous.head('a')).rejects.toMatchObject({ code: 'storage_unavailable' });
      await expect(anonymous.get('a')).rejects.toMatchObject({ code: 'storage_unavailable' });
      await expect(anonymous.create('c', bytes)).rejects.toMatchObject({ code: 'storage_unavailable' });
    } finally {
      await guarded.close();
    }
  });

  test('every create and every signed upload carries generation 0 and the checksum', async () => {
    const bytes = bytesOf('hello');
    await store.create('a', bytes);
    await store.createFrom('b', inPieces(bytes, 2));
    const uploads = emulator.requests.filter((line) => line.startsWith('POST /upload/'));
    expect(uploads).toHaveLength(2);
    for (const line of uploads) expect(line).toContain('ifGenerationMatch=0');
    const terms = { size: 5, crc32c: crc32cBase64(bytes), sha256: '0'.repeat(64), expiresMs: Date.now() + 60_000 };
    const { url, headers } = await store.signUpload('c', terms);
    expect(headers).toMatchObject({
      'x-goog-if-generation-match': '0',
      'x-goog-hash': `crc32c=${terms.crc32c}`,
      'x-goog-content-length-range': '5,5',
    });
    expect(new URL(url).searchParams.get('X-Goog-SignedHeaders')).toBe(
      'content-type;host;x-goog-content-length-range;x-goog-hash;x-goog-if-generation-match',
    );
  });
});

// The emulator shows what the client sends; only a real bucket shows that Google agrees. Its credentials are found by the
// client itself (GOOGLE_APPLICATION_CREDENTIALS with a key that can sign).
const realBucket = process.env['HOLDFAST_TEST_GCS_BUCKET'] ?? '';
if (realBucket === '') {
  console.log('HOLDFAST_TEST_GCS_BUCKET is not set: the suite was run against the emulator alone.');
} else {
  const open = () => createGcsStore({ bucket: realBucket, prefix: 'holdfast-test' });
  describeStore(`gcs bucket ${realBucket}`, async () => ({
    store: open(),
    reopen: async () => open(),
    close: async () => undefined,
  }));
  describeSignedStore(`gcs bucket ${realBucket}`, async () => ({
    store: open(),
    nowMs: () => Date.now(),
    passTime: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    close: async () => undefined,
  }));
}

describe('gcs retention', () => {
  test('a locked object is neither removed nor replaced before its time, and the time only grows', async () => {
    let nowMs = Date.now();
    const clock = { nowMs: () => nowMs };
    const emulator = await startGcsEmulator({ ...emulated, lockableBuckets: ['vault'], clock });
    const store = createGcsStore(optionsFor(emulator));
    await store.create('evidence/day.json', bytesOf('head'));
    expect(await store.retain('evidence/day.json', nowMs + 60_000)).toBe('locked');
    await expect(store.remove('evidence/day.json')).rejects.toMatchObject({ code: 'storage_unavailable' });
    expect(await store.retain('evidence/day.json', nowMs + 1000)).toBe('unsupported');
    await expect(store.remove('evidence/day.json')).rejects.toMatchObject({ code: 'storage_unavailable' });
    expect(Buffer.from(await store.get('evidence/day.json')).toString()).toBe('head');
    await expect(store.retain('evidence/none.json', nowMs)).rejects.toMatchObject({ code: 'object_missing' });
    nowMs += 60_001;
    await store.remove('evidence/day.json');
    await emulator.close();
  });
  test('a bucket without object retention says so, and the object stays as it is', async () => {
    const emulator = await startGcsEmulator(emulated);
    const store = createGcsStore(optionsFor(emulator));
    await store.create('evidence/day.json', bytesOf('head'));
    expect(await store.retain('evidence/day.json', Date.now() + 60_000)).toBe('unsupported');
    await store.remove('evidence/day.json');
    await emulator.close();
  });
});
