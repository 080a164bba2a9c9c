import { base64Of, bytesOfBase64, utf8Of } from '../../base/bytes.ts';
import { HoldfastError } from '../../base/errors.ts';
import type { MasterKey } from '../types.ts';

/** A new repository's three secrets. `macR` stays raw, as restic writes it; it is clamped when it is used. */
export function generateMasterKey(): MasterKey {
  const random = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes));
  return { encrypt: random(32), macK: random(16), macR: random(16) };
}

/** The JSON that a key file wraps, in restic's order of fields. */
export function encodeMasterKey(key: MasterKey): Buffer {
  return Buffer.from(
    `{"mac":{"k":"${base64Of(key.macK)}","r":"${base64Of(key.macR)}"},"encrypt":"${base64Of(key.encrypt)}"}`,
  );
}

/** @throws HoldfastError repository_damaged when a part is missing or has another length. */
export function decodeMasterKey(json: Uint8Array): MasterKey {
  let value: unknown;
  try {
    value = JSON.parse(utf8Of(json));
  } catch (cause) {
    throw new HoldfastError('repository_damaged', 'The repository key inside a key file is not readable.', { cause });
  }
  const { mac, encrypt } = (value ?? {}) as { mac?: { k?: unknown; r?: unknown } | null; encrypt?: unknown };
  return { encrypt: secret(encrypt, 32), macK: secret(mac?.k, 16), macR: secret(mac?.r, 16) };
}

function secret(value: unknown, bytes: number): Uint8Array {
  const decoded = typeof value === 'string' ? bytesOfBase64(value) : new Uint8Array(0);
  if (decoded.length !== bytes)
    throw new HoldfastError('repository_damaged', 'The repository key inside a key file is incomplete.');
  return decoded;
}
