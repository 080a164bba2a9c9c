import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { processIdentity } from '../services/process-identity.ts';
import { lockDataFolder } from './data-lock.ts';
import { refuseObstacles } from './refuse-obstacles.ts';
import { loadSecrets } from './secrets.ts';
import { readSettings } from './settings.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'holdfast-data-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  ['--help', 0, /HOLDFAST_DATA/],
  ['--port=4000', 1, /takes no argument such as "--port=4000"\. Nothing was started/],
])('a start that is asked %s starts nothing, and says why', async (argument, code, words) => {
  const script = path.join(import.meta.dirname, '../start.ts');
  const data = path.join(folder, 'data');
  const done = promisify(execFile)(process.execPath, [script, argument], {
    env: { ...process.env, HOLDFAST_DATA: data },
  });
  const ended = await done.then(
    ({ stdout }) => ({ code: 0, stdout }),
    (error: { code: number; stdout: string }) => error,
  );
  expect(ended).toMatchObject({ code, stdout: expect.stringMatching(words) });
  expect(readdirSync(folder)).toEqual([]);
});

describe('the lock of the data folder', () => {
  test('a second start is refused with the process that runs, and is let in after the first has ended', () => {
    const first = lockDataFolder(folder);
    expect(first.wasStale).toBe(false);
    expect(() => lockDataFolder(folder)).toThrow(new RegExp(`runs on ${folder} already \\(process ${process.pid}\\)`));
    first.release();
    lockDataFolder(folder).release();
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each([
    ['of a process that is gone', JSON.stringify({ name: 'npm start', pid: 2 ** 22 - 3, identity: 'boot/1' })],
    [
      'of a process id that somebody else has now',
      JSON.stringify({ name: 'npm start', pid: process.ppid, identity: 'boot/1' }),
    ],
    ['that a full disk has cut', '{"name":"npm st'],
    ['that is empty', ''],
  ])('a lock %s is stale and is replaced', (_, text) => {
    writeFileSync(path.join(folder, 'lock'), text);
    const lock = lockDataFolder(folder);
    expect(lock.wasStale).toBe(true);
    expect(JSON.parse(readFileSync(path.join(folder, 'lock'), 'utf8'))).toMatchObject({ pid: process.pid });
    lock.release();
  });

  test('a running process has one identity, and a process that is gone has none', () => {
    expect(processIdentity(process.pid)).toBe(processIdentity(process.pid));
    expect(processIdentity(process.pid)).not.toBe(processIdentity(process.ppid));
    expect(processIdentity(2 ** 22 - 3)).toBeUndefined();
    expect(processIdentity(-1)).toBeUndefined();
  });
});

describe('secrets', () => {
  test('are made once, are read again, and belong to the owner alone', () => {
    const made = loadSecrets(folder);
    expect(loadSecrets(folder)).toEqual(made);
    for (const name of ['secrets.json', 'root.key']) expect(statSync(path.join(folder, name)).mode & 0o777).toBe(0o600);
    expect(Buffer.from(readFileSync(made.rootKeyFile, 'utf8').trim(), 'base64')).toHaveLength(32);
    expect(new Set(Object.values(made.secrets)).size).toBe(Object.keys(made.secrets).length);
  });

  test.each(['secrets.json', 'root.key'])('a missing %s is never made anew beside data that it opens', (name) => {
    loadSecrets(folder);
    mkdirSync(path.join(folder, 'store'));
    rmSync(path.join(folder, name));
    expect(() => loadSecrets(folder)).toThrow(new RegExp(`${name} is missing, but there is data`));
    expect(readdirSync(folder)).not.toContain(name);
  });

  test('a damaged file is refused and not overwritten', () => {
    loadSecrets(folder);
    writeFileSync(path.join(folder, 'secrets.json'), '{"databaseAdminPassword":');
    expect(() => loadSecrets(folder)).toThrow(/is damaged/);
    expect(readFileSync(path.join(folder, 'secrets.json'), 'utf8')).toBe('{"databaseAdminPassword":');
  });
});

describe('settings and obstacles', () => {
  test.each([
    [{ PORT: 'http' }, /PORT is "http", which is no port/],
    [{ GATEWAY_PORT: '70000' }, /GATEWAY_PORT is "70000"/],
    [{ PORT: '3001' }, /PORT and GATEWAY_PORT are both 3001/],
  ])('%o is refused with the variable that is wrong', (environment, expected) => {
    expect(() => readSettings(folder, environment)).toThrow(expected);
  });

  test('a busy port is named with the variable that moves it', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const settings = { ...readSettings(folder, {}), dataPath: path.join(folder, 'data') };
    mkdirSync(settings.dataPath);
    await expect(refuseObstacles({ ...settings, port })).rejects.toThrow(
      `Port ${port} is in use by another program. Stop that program, or set PORT`,
    );
    await expect(refuseObstacles({ ...settings, port: 1, gatewayPort: port })).rejects.toThrow(
      /set (?:GATEWAY_)?PORT to another port/,
    );
    await new Promise((resolve) => server.close(resolve));
  });

  test('a disk that is too full is refused with the figures, and a later start needs less than the first', async () => {
    const settings = { ...readSettings(folder, {}), dataPath: path.join(folder, 'data') };
    mkdirSync(settings.dataPath);
    await expect(refuseObstacles(settings, () => 1.5 * 1024 ** 3)).rejects.toThrow(
      /Only 1\.5 GiB are free on the disk of .*, and 2 GiB are needed\. Nothing was changed\./,
    );
    mkdirSync(path.join(settings.dataPath, 'postgres'));
    writeFileSync(path.join(settings.dataPath, 'postgres/PG_VERSION'), '18\n');
    await expect(refuseObstacles({ ...settings, protectPath: '/gone' }, () => 0)).rejects.toThrow(/does not exist/);
    await expect(refuseObstacles(settings, () => 0.2 * 1024 ** 3)).rejects.toThrow(/0\.25 GiB are needed/);
    // Enough for a later start: the next obstacle is another one, or none.
    const enough = await refuseObstacles(settings, () => 1.5 * 1024 ** 3).then(String, String);
    expect(enough).not.toContain('GiB');
  });

  test('the data folder itself is never what is protected', async () => {
    const settings = { ...readSettings(folder, {}), dataPath: path.join(folder, 'data') };
    mkdirSync(settings.dataPath);
    await expect(refuseObstacles({ ...settings, protectPath: settings.dataPath })).rejects.toThrow(
      /which it never backs up/,
    );
    await expect(refuseObstacles({ ...settings, protectPath: path.join(folder, 'gone') })).rejects.toThrow(
      /does not exist/,
    );
  });
});
