/**
 * Envelope encryption of secrets in the database (security bar S26): the root key lies in a file outside of it, wraps a key
 * per tenant, which wraps a fresh key per secret. The associated data binds a secret to its tenant, table, row and column:
 * copied anywhere else it does not open.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { HoldfastError } from '../../core/base/errors.ts';

const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const WRAPPED_KEY_BYTES = IV_BYTES + KEY_BYTES + TAG_BYTES;

export interface SecretPlace {
  readonly table: string;
  readonly row: string;
  readonly column: string;
}

function encrypt(key: Uint8Array, plaintext: Uint8Array, associated: string): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(associated));
  return Buffer.concat([iv, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: Uint8Array, sealed: Uint8Array, associated: string): Buffer {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, IV_BYTES)).setAAD(Buffer.from(associated));
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    return Buffer.concat([decipher.update(sealed.subarray(IV_BYTES, sealed.length - TAG_BYTES)), decipher.final()]);
  } catch (cause) {
    throw new HoldfastError(
      'internal',
      'A stored secret does not open with this service’s root key. Put the right root key file back; backups are not affected.',
      { cause },
    );
  }
}

export class KeyRing {
  readonly #root: Buffer;

  /** `root`: 32 bytes. */
  constructor(root: Uint8Array) {
    if (root.length !== KEY_BYTES)
      throw new HoldfastError('bad_request', 'The root key file must hold 32 bytes in base64.');
    this.#root = Buffer.from(root);
  }

  static fromFile(path: string): KeyRing {
    return new KeyRing(Buffer.from(readFileSync(path, 'utf8').trim(), 'base64'));
  }

  /** A new tenant's key, wrapped by the root key, to be stored with the tenant. */
  createTenantKey(tenantId: string): Buffer {
    return encrypt(this.#root, randomBytes(KEY_BYTES), `v1|${tenantId}|tenant|${tenantId}|wrapped_kek`);
  }

  seal(tenant: { id: string; wrappedKek: Uint8Array }, place: SecretPlace, plaintext: Uint8Array): Buffer {
    const key = randomBytes(KEY_BYTES);
    const associated = associatedData(tenant.id, place);
    return Buffer.concat([encrypt(this.#tenantKey(tenant), key, associated), encrypt(key, plaintext, associated)]);
  }

  /** @throws HoldfastError internal for another root key, tenant, table, row or column than it was sealed for. */
  open(tenant: { id: string; wrappedKek: Uint8Array }, place: SecretPlace, sealed: Uint8Array): Buffer {
    const associated = associatedData(tenant.id, place);
    const key = decrypt(this.#tenantKey(tenant), sealed.subarray(0, WRAPPED_KEY_BYTES), associated);
    return decrypt(key, sealed.subarray(WRAPPED_KEY_BYTES), associated);
  }

  #tenantKey(tenant: { id: string; wrappedKek: Uint8Array }): Buffer {
    return decrypt(this.#root, tenant.wrappedKek, `v1|${tenant.id}|tenant|${tenant.id}|wrapped_kek`);
  }
}

function associatedData(tenantId: string, { table, row, column }: SecretPlace): string {
  return `v1|${tenantId}|${table}|${row}|${column}`;
}
