import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { ServiceStack } from '../../support/service-stack.ts';

const run = promisify(execFile);

let stack: ServiceStack;
beforeAll(async () => {
  stack = await ServiceStack.start();
  await writeFile(join(stack.protectPath, 'a.txt'), 'kept\n');
  await writeFile(join(stack.protectPath, 'b.raw'), randomBytes(2 * 1024 * 1024));
});
afterEach(() => stack.proxy.heal());
afterAll(() => stack.close());

const identityOf = async (statePath: string): Promise<{ deviceId: string; vaultId: string; repositoryId: string }> =>
  JSON.parse(await readFile(join(statePath, 'identity.json'), 'utf8'));

test('a token that was never made ends in the server’s sentence, and nothing is enrolled', async () => {
  const statePath = await stack.newState();
  const forged = `hfe_${stack.tenantId.replaceAll('-', '')}_${randomBytes(32).toString('base64url')}`;
  for (const token of [forged, 'nonsense']) {
    const { code, stderr } = await stack.enrol(statePath, token);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^holdfast enroll: .*token.*provider/i);
    expect(stderr).not.toContain(token);
  }
  expect((await stack.run(statePath, 'status')).stdout).toContain('not enrolled');
});

test('a token serves one machine: the second is told so, and may try again with a token of its own', async () => {
  const token = await stack.createToken();
  const first = await stack.newState();
  expect((await stack.enrol(first, token)).code).toBe(0);
  const second = await stack.newState();
  const refused = await stack.enrol(second, token);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('used already');
  expect((await stack.enrol(second, await stack.createToken())).code).toBe(0);
  expect((await identityOf(first)).deviceId).not.toBe((await identityOf(second)).deviceId);
});

test('an enrolled machine is not enrolled again by mistake; --replace keeps the old identity’s files', async () => {
  const statePath = await stack.enrolled();
  const before = await readFile(join(statePath, 'identity.json'), 'utf8');
  const refused = await stack.enrol(statePath, await stack.createToken());
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('enrolled already');
  expect(await readFile(join(statePath, 'identity.json'), 'utf8')).toBe(before);

  expect((await stack.enrol(statePath, await stack.createToken(), '--replace')).code).toBe(0);
  const { deviceId } = JSON.parse(before) as { deviceId: string };
  expect((await identityOf(statePath)).deviceId).not.toBe(deviceId);
  expect(await readFile(join(statePath, `identity-${deviceId}.json`), 'utf8')).toBe(before);
  expect(await readdir(statePath)).toContain(`recovery-kit-${deviceId}.txt`);
});

test('wherever the network breaks off, the enrolment is completed, and there is one device of it', async () => {
  const steps = [
    'POST /agent/v1/enrol',
    'POST /agent/v1/vault$',
    'PUT /objects/v1/.*/keys/',
    'PUT /objects/v1/.*/config',
    'POST /agent/v1/vault/ready',
  ];
  const countDevices = async (): Promise<number> => Number((await stack.sql('SELECT count(*) AS n FROM device'))[0]?.n);
  for (const fault of ['lose-request', 'lose-answer', 'unavailable'] as const) {
    const statePath = await stack.newState();
    const token = await stack.createToken();
    const before = await countDevices();
    for (const step of steps) stack.proxy.break(new RegExp(step), fault);
    const { code, stderr } = await stack.enrol(statePath, token);
    expect(code, `${fault}: ${stderr}`).toBe(0);
    expect(stack.proxy.unmet, fault).toEqual([]);
    expect((await stack.run(statePath, 'status', '--json')).code, fault).toBe(0);
    expect(await countDevices(), fault).toBe(before + 1);
    expect(await readdir(statePath)).not.toContain('enrolment.json');
    const { vaultId } = await identityOf(statePath);
    expect(await stack.sql('SELECT state FROM vault WHERE id = $1', [vaultId])).toEqual([{ state: 'ready' }]);
  }
});

test('killed in the middle, the enrolment is continued with the same key and the same vault', async () => {
  const statePath = await stack.newState();
  const token = await stack.createToken();
  stack.proxy.uploadDelayMs = 60_000;
  const args = ['enroll', '--server', stack.url];
  const killed = stack.agent(statePath, args, { HOLDFAST_ENROLMENT_TOKEN: token });
  const deadline = Date.now() + 30_000;
  while (!stack.proxy.passed.some(({ method }) => method === 'PUT') && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 50));
  await killed.stop('SIGKILL');
  const pending = JSON.parse(await readFile(join(statePath, 'enrolment.json'), 'utf8')) as {
    response: { deviceId: string };
    vault: { repositoryId: string };
  };
  expect((await stack.run(statePath, 'status')).code).toBe(1);
  stack.proxy.heal();
  const continued = await stack.enrol(statePath, token);
  expect(continued.stderr).toBe('');
  expect(continued.code).toBe(0);
  expect(await identityOf(statePath)).toMatchObject({
    deviceId: pending.response.deviceId,
    repositoryId: pending.vault.repositoryId,
  });
});

test('the recovery kit alone opens the vault with stock restic, which finds it sound and restores identical bytes', async () => {
  const statePath = await stack.enrolled();
  expect((await stack.run(statePath, 'backup')).code).toBe(0);
  const kit = await readFile(join(statePath, 'recovery-kit.txt'), 'utf8');
  const password = /RESTIC_PASSWORD='([^']+)'/.exec(kit)?.[1] ?? '';
  const vault = /Vault\s+(v\/\S+)/.exec(kit)?.[1] ?? '';
  expect(kit).toContain((await identityOf(statePath)).repositoryId);
  // What is printed in two lines is the same password.
  const printed = [...kit.matchAll(/^(?: {2}Password {5}| {15})(\S+)$/gm)].map(([, part]) => part).join('-');
  expect(printed).toBe(password);
  // Nothing but the kit and a copy of the storage: no agent, no server.
  const copy = join(stack.folder, 'vault-copy');
  await run('cp', ['-a', join(stack.storeRoot, vault), copy]);
  await rm(statePath, { recursive: true });
  const env = { ...process.env, RESTIC_PASSWORD: password };
  const restic = (...args: string[]) => run('restic', ['-r', copy, '--no-lock', '--no-cache', ...args], { env });
  expect((await restic('check', '--read-data')).stdout).toContain('no errors were found');
  const target = join(stack.folder, 'restored-by-restic');
  await restic('restore', 'latest', '--target', target);
  await run('diff', ['-r', stack.protectPath, join(target, stack.protectPath)]);
});
