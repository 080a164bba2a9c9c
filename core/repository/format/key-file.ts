/** Key files: plain JSON that wraps the master key for one principal. Up to 20 of them open a repository. */
import { base64Of, bytesOfBase64 } from '../../base/bytes.ts';
import { type KdfParameters, SALT_BYTES } from '../crypto/kdf-parameters.ts';
import { damagedRepository } from './damage.ts';
import { goTime, jsonString, localZone } from './go-text.ts';
import { isObject, member, parseJson } from './json.ts';

export interface KeyFile {
  readonly created: string;
  readonly username: string;
  readonly hostname: string;
  readonly kdf: KdfParameters;
  readonly salt: Uint8Array;
  /** The sealed master-key JSON. */
  readonly data: Uint8Array;
}

export function keyFileTime(nowMs: number): string {
  return goTime(BigInt(nowMs) * 1_000_000n, localZone);
}

export function encodeKeyFile(key: KeyFile): Buffer {
  return Buffer.from(
    `{"created":"${key.created}","username":${jsonString(key.username)},"hostname":${jsonString(key.hostname)},` +
      `"kdf":"scrypt","N":${key.kdf.N},"r":${key.kdf.r},"p":${key.kdf.p},"salt":"${base64Of(key.salt)}","data":"${base64Of(key.data)}"}`,
  );
}

/** @throws HoldfastError repository_damaged for another KDF than scrypt or a malformed field. */
export function decodeKeyFile(json: Uint8Array): KeyFile {
  const value = parseJson(json, 'A key file');
  if (!isObject(value) || member(value, 'kdf') !== 'scrypt')
    throw damagedRepository('A key file is of an unknown kind.');
  const text = (key: string): string => {
    const found = member(value, key) ?? '';
    if (typeof found !== 'string') throw damagedRepository('A key file is malformed.');
    return found;
  };
  const count = (key: string): number => {
    const found = member(value, key);
    if (typeof found !== 'number') throw damagedRepository('A key file is malformed.');
    return found;
  };
  const salt = bytesOfBase64(text('salt'));
  if (salt.length !== SALT_BYTES) throw damagedRepository('A key file is malformed.');
  return {
    created: text('created'),
    username: text('username'),
    hostname: text('hostname'),
    kdf: { N: count('N'), r: count('r'), p: count('p') },
    salt,
    data: bytesOfBase64(text('data')),
  };
}
