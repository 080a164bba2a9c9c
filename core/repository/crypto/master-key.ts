import { randomBytes } from 'node:crypto';
import { HoldfastError } from '../../base/errors.ts';
import type { MasterKey } from '../types.ts';

/** A new repository's three secrets. `macR` stays raw, as restic writes it; it is clamped when it is used. */
export function generateMasterKey(): MasterKey {
  return { encrypt: randomBytes(32), macK: randomBytes(16), macR: randomBytes(16) };
}

/** The JSON that a key file wraps, in restic's order of fields. */
export function encodeMasterKey(key: MasterKey): Buffer {
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  return Buffer.from(
    `{"mac":{"k":"${base64(key.macK)}","r":"${base64(key.macR)}"},"encrypt":"${base64(key.encrypt)}"}`,
  );
}

/** @throws HoldfastError repository_damaged when a part is missing or has another length. */
export function decodeMasterKey(json: Uint8Array): MasterKey {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(json).toString('utf8'));
  } catch (cause) {
    throw new HoldfastError('repository_damaged', 'The repository key inside a key file is not readable.', { cause });
  }
  const { mac, encrypt } = (value ?? {}) as { mac?: { k?: unknown; r?: unknown } | null; encrypt?: unknown };
  return { encrypt: secret(encrypt, 32), macK: secret(mac?.k, 16), macR: secret(mac?.r, 16) };
}

function secret(value: unknown, bytes: number): Buffer {
  const decoded = typeof value === 'string' ? Buffer.from(value, 'base64') : Buffer.alloc(0);
  if (decoded.length !== bytes)
    throw new HoldfastError('repository_damaged', 'The repository key inside a key file is incomplete.');
  return decoded;
}
