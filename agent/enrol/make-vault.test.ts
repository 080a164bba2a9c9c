import { expect, test } from 'vitest';
import { vaultInitRequest } from '../../core/protocol/messages.ts';
import { newId } from '../../core/base/ids.ts';
import { openRepository } from '../../core/repository/repository.ts';
import { createMemoryStore } from '../../core/storage/memory-store.ts';
import { makeVault } from './make-vault.ts';
import { makeRecoveryPassword, recoveryKitText } from './recovery-kit.ts';

test('each principal’s password opens the vault with its own key file; in customer-held custody nobody else has one', async () => {
  for (const custody of ['escrowed', 'customer_held'] as const) {
    const vault = await makeVault(custody, 'host');
    const store = createMemoryStore();
    for (const { object, bytes } of vault.objects)
      await store.create(object.key, Buffer.from(bytes, 'base64'), { crc32c: object.crc32c });
    const passwords = { agent: vault.agentPassword, recovery_kit: vault.recoveryPassword, drill: vault.drillPassword };
    for (const [principal, password] of Object.entries(passwords)) {
      if (password === null) continue;
      const repo = await openRepository(store, password);
      expect(repo.config.id).toBe(vault.repositoryId);
      expect(vault.keys).toContainEqual({ id: repo.keyId, principal });
    }
    expect(vault.drillPassword === null).toBe(custody === 'customer_held');
    expect(vault.keys).toHaveLength(custody === 'escrowed' ? 3 : 2);
    const { agentPassword: _, recoveryPassword: __, drillPassword, objects, ...rest } = vault;
    const request = {
      ...rest,
      vaultId: newId(),
      objects: objects.map(({ object }) => object),
      ...(drillPassword === null ? {} : { drillPassword }),
    };
    expect(vaultInitRequest.safeParse(request).success).toBe(true);
  }
});

test('the recovery password is 260 random bits in letters that nobody confuses, printed whole', () => {
  const seen = new Set<string>();
  for (let times = 0; times < 200; times += 1) {
    const password = makeRecoveryPassword();
    expect(password).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){12}[0-9A-HJKMNP-TV-Z]{4}$/);
    for (const letter of password) seen.add(letter);
  }
  expect(seen.size).toBe(33);
  const password = makeRecoveryPassword();
  const kit = recoveryKitText({
    customerName: 'Lindqvist Dental',
    deviceName: 'reception',
    serverUrl: 'https://backup.example.com',
    tenantId: newId(),
    vaultId: newId(),
    repositoryId: 'ab'.repeat(32),
    password,
    madeMs: 0,
  });
  for (const text of [password, 'check --read-data', 'restore latest --target', 'ab'.repeat(32), '1970-01-01'])
    expect(kit).toContain(text);
});
