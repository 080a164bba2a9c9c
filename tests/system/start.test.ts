import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { isSameProcess, type ProcessRecord } from '../../tools/services/process-identity.ts';
import { makeServiceFolders, TestService } from '../support/start-service.ts';

let folders: ReturnType<typeof makeServiceFolders>;
const started: TestService[] = [];

beforeAll(() => {
  folders = makeServiceFolders();
});
afterEach(async () => {
  for (const service of started.splice(0)) await service.terminate();
});
afterAll(() => folders.remove());

async function start(options: Partial<Parameters<typeof TestService.start>[0]> = {}): Promise<TestService> {
  const service = await TestService.start({ dataPath: folders.dataPath, protectPath: folders.protectPath, ...options });
  started.push(service);
  return service;
}

/** Everything that the last start on a data folder has started. */
function records(dataPath = folders.dataPath): ProcessRecord[] {
  return JSON.parse(readFileSync(path.join(dataPath, 'processes.json'), 'utf8')) as ProcessRecord[];
}

async function statusOf(url: string): Promise<number> {
  const response = await fetch(url, { redirect: 'manual' });
  await response.body?.cancel();
  return response.status;
}

const mode = (file: string): number => statSync(path.join(folders.dataPath, file)).mode & 0o777;

/** These build on one another, as the days of one installation do. */
describe('npm start', () => {
  let proven: string;

  test('from nothing: says where the data lies and who may sign in, answers, and proves the first backup', async () => {
    const service = await start();
    proven = await service.line(/^Proven \S+ [0-9a-f]{64}$/);
    expect(service.output).toContain(`Holdfast keeps its data in ${folders.dataPath}`);
    const lineOf = (text: string): number => service.lines.findIndex((line) => line.startsWith(text));
    expect(lineOf('Sign-ins:')).toBeGreaterThan(-1);
    expect(lineOf(`Ready ${service.url}`)).toBeGreaterThan(lineOf('Sign-ins:'));
    expect(lineOf('Proven ')).toBeGreaterThan(lineOf('Ready '));
    expect(await statusOf(`${service.url}/api/health`)).toBe(200);
    expect(await statusOf(`${service.url}/sign-in`)).toBe(200);
    expect(await statusOf(`${service.gatewayUrl}/readyz`)).toBe(200);
    const signIns = service.signIns();
    expect(signIns).toHaveLength(4);
    for (const { email, password } of signIns) expect(service.output).toMatch(new RegExp(`${email}\\s+${password}`));

    const refused = await start({ port: Number(new URL(service.url).port) });
    expect(await refused.ended).toBe(1);
    expect(refused.output).toMatch(/Holdfast runs on .* already \(process \d+\)\. Stop that one with Ctrl-C/);
    expect(await statusOf(`${service.url}/api/health`)).toBe(200);

    expect(await service.interrupt()).toBe(0);
  });

  test('Ctrl-C leaves no process and no lock behind', () => {
    expect(
      records()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(expect.arrayContaining(['Postgres', 'gateway', 'portal', 'workers']));
    expect(records().filter(isSameProcess)).toEqual([]);
    expect(existsSync(path.join(folders.dataPath, 'lock'))).toBe(false);
    expect(existsSync(path.join(folders.dataPath, 'postgres/postmaster.pid'))).toBe(false);
  });

  test('what is secret lies in files that only the owner reads', () => {
    expect(mode('.')).toBe(0o700);
    for (const file of ['secrets.json', 'root.key', 'sign-ins.txt', 'agent/identity.json'])
      expect([file, mode(file)]).toEqual([file, 0o600]);
  });

  test('stock restic opens the vault with the recovery kit, finds it whole, and restores what was protected', () => {
    const store = path.join(folders.dataPath, 'store');
    const config = readdirSync(store, { recursive: true, encoding: 'utf8' }).find((file) =>
      /^v\/[^/]+\/[^/]+\/config$/.test(file),
    );
    if (config === undefined) throw new Error('there is no vault in the store');
    const kit = readFileSync(path.join(folders.dataPath, 'agent/recovery-kit.txt'), 'utf8');
    const password = /^ +export RESTIC_PASSWORD='([^']+)'$/m.exec(kit)?.[1];
    if (password === undefined) throw new Error(`the recovery kit names no password:\n${kit}`);
    const target = path.join(folders.folder, 'restored');
    const restic = (...args: string[]): ReturnType<typeof spawnSync> =>
      spawnSync('restic', ['-r', path.join(store, path.dirname(config)), '--no-cache', '--no-lock', ...args], {
        encoding: 'utf8',
        env: { ...process.env, RESTIC_PASSWORD: password },
      });
    expect(restic('check', '--read-data')).toMatchObject({ stderr: '', status: 0 });
    expect(restic('restore', 'latest', '--target', target)).toMatchObject({ stderr: '', status: 0 });
    const difference = spawnSync('diff', ['-r', folders.protectPath, path.join(target, folders.protectPath)], {
      encoding: 'utf8',
    });
    expect(difference).toMatchObject({ status: 0, stdout: '' });
    rmSync(target, { recursive: true });
  });

  test('a busy port is one sentence that names the variable, and nothing is started', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      for (const [options, variable] of [
        [{ port }, 'PORT'],
        [{ gatewayPort: port }, 'GATEWAY_PORT'],
      ] as const) {
        const service = await start(options);
        expect(await service.ended).toBe(1);
        expect(service.output).toContain(
          `Port ${port} is in use by another program. Stop that program, or set ${variable} to another port.`,
        );
      }
    } finally {
      server.close();
    }
    expect(existsSync(path.join(folders.dataPath, 'lock'))).toBe(false);
  });

  test('a later start finds its data, on other ports too, and shows no password again', async () => {
    const [owner] = (await start()).signIns();
    const [service] = started;
    if (service === undefined || owner === undefined) throw new Error('the service did not start');
    expect(await service.line(/^Proven /)).toBe(proven);
    expect(service.output).not.toContain(owner.password);
    expect(service.output).toContain(`Sign-ins are written in ${path.join(folders.dataPath, 'sign-ins.txt')}`);
    expect(await service.terminate()).toBe(0);
    expect(records().filter(isSameProcess)).toEqual([]);
  });

  test('killed in the middle, it heals its lock, ends what it left running, and proves the same data', async () => {
    const killed = await start();
    await killed.line(/^Ready /);
    const left = records();
    // npm and the shell go first, so that nothing can pass a signal on.
    process.kill(-killed.pid, 'SIGKILL');
    await killed.ended;
    expect(left.filter(isSameProcess).length).toBeGreaterThan(2);
    const service = await start();
    expect(await service.line(/^Proven /)).toBe(proven);
    expect(service.output).toContain('An earlier start did not end in order; its lock is removed.');
    expect(service.output).toMatch(/It had left running: .*Postgres/);
    expect(left.filter(isSameProcess)).toEqual([]);
    expect(await service.interrupt()).toBe(0);
  });

  test('a program that dies is started again', async () => {
    const service = await start();
    await service.line(/^Proven /);
    const gateway = records().find(({ name }) => name === 'gateway');
    process.kill(gateway?.pid ?? 0, 'SIGKILL');
    await service.line(/The gateway ended by SIGKILL; it is started again \(1 of 3\)/);
    await expect.poll(() => statusOf(`${service.gatewayUrl}/readyz`).catch(() => 0), { timeout: 30_000 }).toBe(200);
    expect(await service.interrupt()).toBe(0);
  });
});

describe('npm start without Redis', () => {
  test('runs the queue on Postgres and proves the first backup all the same', async () => {
    const dataPath = path.join(folders.folder, 'data-without-redis');
    const programs = path.join(folders.folder, 'bin');
    mkdirSync(programs);
    const isHidden = (name: string): boolean => /^(?:redis|valkey)-/.test(name);
    for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
      if (folder.includes('node_modules') || !existsSync(folder)) continue;
      for (const name of readdirSync(folder)) {
        if (!isHidden(name) && !existsSync(path.join(programs, name)))
          symlinkSync(path.join(folder, name), path.join(programs, name));
      }
    }
    const service = await start({ dataPath, env: { PATH: programs } });
    await service.line(/^Proven /);
    expect(service.output).toContain('queue     the same database (no Redis or Valkey was found)');
    expect(records(dataPath).map(({ name }) => name)).not.toContain('Redis');
    expect(await service.interrupt()).toBe(0);
  });
});
