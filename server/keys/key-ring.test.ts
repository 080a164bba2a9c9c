import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { KeyRing } from './key-ring.ts';

const place = { table: 'vault', row: 'row-1', column: 'drill_password_sealed' };
const secret = Buffer.from('the drill password');

function tenantOf(keys: KeyRing, id: string) {
  return { id, wrappedKek: keys.createTenantKey(id) };
}

describe('a sealed secret (S26)', () => {
  const keys = new KeyRing(randomBytes(32));
  const tenant = tenantOf(keys, 'tenant-1');
  const sealed = keys.seal(tenant, place, secret);

  test('opens where it was sealed', () => {
    expect(keys.open(tenant, place, sealed)).toEqual(secret);
  });

  test('holds nothing of the secret and is never the same twice', () => {
    expect(sealed.includes(secret)).toBe(false);
    expect(keys.seal(tenant, place, secret).equals(sealed)).toBe(false);
  });

  test.each([
    ['another row', { ...place, row: 'row-2' }],
    ['another column', { ...place, column: 'other' }],
    ['another table', { ...place, table: 'device' }],
  ])('does not open at %s', (_where, elsewhere) => {
    expect(() => keys.open(tenant, elsewhere, sealed)).toThrow(/does not open/);
  });

  test('does not open for another tenant, not even with that tenant’s key under the first one’s id', () => {
    const other = tenantOf(keys, 'tenant-2');
    expect(() => keys.open(other, place, sealed)).toThrow(/does not open/);
    expect(() => keys.open({ id: tenant.id, wrappedKek: other.wrappedKek }, place, sealed)).toThrow(/does not open/);
  });

  test('does not open with another root key, nor after one bit was changed', () => {
    expect(() => new KeyRing(randomBytes(32)).open(tenant, place, sealed)).toThrow(/does not open/);
    for (const at of [0, sealed.length >> 1, sealed.length - 1]) {
      const changed = Buffer.from(sealed);
      changed[at]! ^= 1;
      expect(() => keys.open(tenant, place, changed)).toThrow(/does not open/);
    }
  });
});
