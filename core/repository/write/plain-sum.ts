/**
 * What a piece of data is compared with between its hashing and its sealing, on whatever thread: 32 bits that no error of memory or
 * of a codec leaves as they are, but for one in four thousand millions. No name and no proof: those are SHA-256.
 */
import { crc32 } from 'node:zlib';
import { tagInto } from '../crypto/tag.ts';

/** From here on, where OpenSSL has code for wide registers, Poly1305 takes less than half of the time. All threads answer alike. */
const BY_TAG_BYTES_MIN = 64 * 1024;
const IS_TAG_QUICK = process.platform === 'linux' && process.arch === 'x64';
/** A key that is no secret: nobody is kept out by it. */
const [R, S] = [new Uint8Array(16).fill(0x6b), new Uint8Array(16)];
const tag = Buffer.alloc(16);

export function plainSum(plain: Uint8Array): number {
  if (!IS_TAG_QUICK || plain.length < BY_TAG_BYTES_MIN) return crc32(plain);
  tagInto(plain, R, S, tag, 0);
  return tag.readUInt32LE();
}
