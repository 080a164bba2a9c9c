import { randomBytes, randomInt, scryptSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
// @ts-expect-error the build tool is plain JavaScript
import { assembleWasm } from '../../../tools/build-wasm.mjs';
import { compress } from '../format/zstd.ts';
import { noise } from '../testing/noise.ts';
import { generateMasterKey } from './master-key.ts';
import { nodeCrypto } from './node-crypto.ts';
import { scrypt } from './scrypt.ts';
import { seal } from './seal.ts';
import { createWebCrypto } from './web-crypto.ts';

const web = createWebCrypto();
const noPause = async (): Promise<void> => undefined;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const isDamage = expect.objectContaining({ code: 'repository_damaged' });

/** RFC 7914, section 12; the last of its vectors takes a gigabyte. */
test('scrypt gives the bytes of its standard', async () => {
  const derive = async (password: string, salt: string, N: number, r: number, p: number) =>
    hex(await scrypt(password, Buffer.from(salt), { N, r, p }, 64, noPause));
  expect(await derive('', '', 16, 1, 1)).toBe(
    '77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906',
  );
  expect(await derive('password', 'NaCl', 1024, 8, 16)).toBe(
    'fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640',
  );
  expect(await derive('pleaseletmein', 'SodiumChloride', 16384, 8, 1)).toBe(
    '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887',
  );
});

test('scrypt of any parameters is Node’s, in slices of any length', async () => {
  for (const [N, r, p] of [
    [2, 1, 1],
    [4, 3, 2],
    [64, 5, 3],
    [16384, 16, 1],
    [32768, 2, 2],
  ] as const) {
    const [password, salt] = [randomBytes(9).toString('base64'), randomBytes(64)];
    const wanted = scryptSync(password, salt, 64, { N, r, p, maxmem: 512 * 1024 * 1024 });
    let pauses = 0;
    const found = await scrypt(password, salt, { N, r, p }, 64, async () => void (pauses += 1));
    expect(hex(found), `N ${N} r ${r} p ${p}`).toBe(wanted.toString('hex'));
    expect(pauses).toBeGreaterThanOrEqual(p * 2);
  }
});

test('a browser opens what Node sealed, whatever its length, and refuses every changed byte', async () => {
  const seed = process.env.HOLDFAST_TEST_SEED ?? String(randomInt(2 ** 31));
  console.log(`web crypto seed ${seed}`);
  const key = generateMasterKey();
  for (const bytes of [0, 1, 15, 16, 17, 4096, 65_535, 65_536, 200_003]) {
    const plain = noise(bytes, `${seed} ${bytes}`);
    const sealed = seal(key, plain);
    expect(hex(await web.unseal(key, sealed))).toBe(plain.toString('hex'));
    expect(await web.sha256Hex(plain)).toBe(await nodeCrypto.sha256Hex(plain));
    for (const at of new Set([0, 15, 16, sealed.length - 17, sealed.length - 16, sealed.length - 1])) {
      const hurt = Buffer.from(sealed);
      hurt[at]! ^= 1;
      await expect(web.unseal(key, hurt), `${bytes} bytes, byte ${at}`).rejects.toEqual(isDamage);
    }
    await expect(web.unseal(generateMasterKey(), sealed)).rejects.toEqual(isDamage);
  }
  await expect(web.unseal(key, new Uint8Array(31))).rejects.toEqual(isDamage);
});

test('what unpacks to more than it may, and a password hash that would take gigabytes, are damage in a browser too', async () => {
  const packed = compress(Buffer.alloc(1_000_000));
  expect(await web.decompress(packed, 1_000_000)).toHaveLength(1_000_000);
  expect(() => web.decompress(packed, 999_999)).toThrow(isDamage);
  await expect(web.deriveWrappingKey('x', new Uint8Array(64), { N: 2 ** 24, r: 8, p: 1 })).rejects.toEqual(isDamage);
});

test('the WebAssembly of scrypt is what its source assembles to', async () => {
  const { path, text } = await assembleWasm('core/repository/crypto/scrypt.wat');
  expect(readFileSync(path, 'utf8')).toBe(text);
});
