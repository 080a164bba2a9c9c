import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeRecoveryPassword, readRecoveryKit, recoveryKitText } from '../enrol/recovery-kit.ts';
import { literalPattern, runRestic } from './restore-with-restic.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'holdfast-restic-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the kit is read back as it was printed', () => {
  const kit = { repositoryId: 'a'.repeat(64), password: makeRecoveryPassword() };
  const text = recoveryKitText({
    ...kit,
    customerName: 'Customer',
    deviceName: 'SRV',
    serverUrl: 'https://x.test',
    tenantId: 't',
    vaultId: 'v',
    madeMs: 0,
  });
  expect(readRecoveryKit(text)).toEqual(kit);
  expect(readRecoveryKit(text.replaceAll('\n', '\r\n'))).toEqual(kit);
  expect(() => readRecoveryKit(text.replace(/Repository.*/, ''))).toThrow('not a Holdfast recovery kit');
});

test('the password goes over the input: not in the arguments, not in the environment, not on the disk; nothing else of ours goes with it', async () => {
  const program = path.join(folder, 'restic');
  const told = path.join(folder, 'told');
  writeFileSync(program, `#!/bin/sh\ntr '\\0' ' ' < /proc/$$/cmdline > ${told}\nenv >> ${told}\ncat > ${told}.fd\n`);
  chmodSync(program, 0o700);
  const password = 'the-password-of-the-kit';
  const signal = new AbortController().signal;
  await runRestic({ program, vault: '/vault', password, environment: {}, homePath: folder, signal }, ['snapshots']);
  expect(readFileSync(`${told}.fd`, 'utf8')).toBe(`${password}\n`);
  const text = readFileSync(told, 'utf8');
  expect(text).toContain('-r /vault --no-lock');
  expect(text).not.toContain(password);
  expect(text).not.toMatch(/HOLDFAST|TOKEN|DATABASE/);
});

test('a program that is not there says which package has it; a failure says restic’s own words', async () => {
  const signal = new AbortController().signal;
  const terms = { vault: '/vault', password: 'x', environment: {}, homePath: folder, signal };
  await expect(runRestic({ ...terms, program: path.join(folder, 'none') }, [])).rejects.toMatchObject({
    code: 'service_missing',
    message: expect.stringContaining('apt install restic') as string,
  });
  const program = path.join(folder, 'failing');
  writeFileSync(program, '#!/bin/sh\ncat >/dev/null\necho "Fatal: wrong password or no key found" >&2\nexit 12\n');
  chmodSync(program, 0o700);
  await expect(runRestic({ ...terms, program }, ['cat', 'config'])).rejects.toMatchObject({ code: 'wrong_password' });
});

test('a name that looks like a pattern means itself', () => {
  expect(literalPattern('/srv/a*[1]?\\b$HOME')).toBe('/srv/a\\*\\[1\\]\\?\\\\b$HOME');
});
