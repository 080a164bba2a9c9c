/** Databases and commands from the policy to the vault and back, with the real service, agent and servers. */
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadIdentity } from '../../../agent/state/identity.ts';
import type { CommitManifest } from '../../../core/protocol/manifest.ts';
import { startSystemMariadb, type SystemMariadb } from '../../support/start-system-mariadb.ts';
import { startSystemPostgres, type SystemPostgres } from '../../support/start-system-postgres.ts';
import { ServiceStack } from '../../support/service-stack.ts';

let stack: ServiceStack;
let postgres: SystemPostgres;
let mariadb: SystemMariadb;
let pgpass: string;
let options: string;

beforeAll(async () => {
  [stack, postgres, mariadb] = await Promise.all([ServiceStack.start(), startSystemPostgres(), startSystemMariadb()]);
  postgres.sql('CREATE DATABASE shop');
  postgres.sql('CREATE TABLE item AS SELECT n, md5(n::text) AS pad FROM generate_series(1, 20000) n', 'shop');
  mariadb.sql('CREATE DATABASE shop; CREATE TABLE shop.item AS SELECT seq, MD5(seq) AS pad FROM seq_1_to_20000');
  execFileSync('sqlite3', [join(stack.folder, 'app.db')], { input: 'CREATE TABLE t(x); INSERT INTO t VALUES (42);' });
  await writeFile(join(stack.protectPath, 'a.txt'), 'a file\n');
  pgpass = join(stack.folder, 'pgpass');
  options = join(stack.folder, 'my.cnf');
  await writeFile(pgpass, `127.0.0.1:*:*:postgres:${postgres.password.replaceAll(':', '\\:')}\n`, { mode: 0o600 });
  await writeFile(options, `[client]\npassword='${mariadb.password}'\n`, { mode: 0o600 });
});
afterAll(async () => {
  await Promise.all([stack.close(), postgres.stop(), mariadb.stop()]);
});

const pgSource = (more: object = {}) => ({
  kind: 'postgres',
  label: 'main',
  host: '127.0.0.1',
  port: postgres.port,
  user: 'postgres',
  login: { kind: 'secret_file', path: pgpass },
  ...more,
});
const mySource = (more: object = {}) => ({
  kind: 'mysql',
  label: 'main',
  host: '127.0.0.1',
  port: mariadb.port,
  user: 'keeper',
  login: { kind: 'secret_file', path: options },
  ...more,
});

/** A device whose policy protects these, and a script of its own that it may run. */
async function enrolledWith(paths: readonly string[], sources: readonly object[], script = ''): Promise<string> {
  await stack.sql(`UPDATE policy SET version = version + 1, document = document || $1::jsonb`, [
    JSON.stringify({ paths, sources }),
  ]);
  const statePath = await stack.enrolled();
  const program = join(stack.folder, 'make-report');
  await writeFile(program, `#!/bin/sh\n${script}\n`);
  await chmod(program, 0o700);
  await writeFile(join(statePath, 'allowed-programs'), `${program}\n`, { mode: 0o600 });
  return statePath;
}

const report = (more: object = {}) => ({
  kind: 'command',
  label: 'report',
  argv: [join(stack.folder, 'make-report')],
  fileName: 'report.txt',
  ...more,
});

async function pointsOf(
  statePath: string,
): Promise<{ outcome: string; is_usable: boolean; witness: CommitManifest['witness'] }[]> {
  const { deviceId } = await loadIdentity(statePath);
  const rows = await stack.sql('SELECT outcome, is_usable, witness FROM restore_point WHERE device_id = $1', [
    deviceId,
  ]);
  return rows as { outcome: string; is_usable: boolean; witness: CommitManifest['witness'] }[];
}

interface DrillRow {
  readonly state: string;
  readonly evidence: { readonly selection: { readonly files: readonly { readonly path: string }[] } };
}

async function drillOf(statePath: string): Promise<DrillRow> {
  const { deviceId } = await loadIdentity(statePath);
  for (;;) {
    const [row] = await stack.sql<DrillRow>(
      "SELECT state, evidence FROM drill WHERE device_id = $1 AND state NOT IN ('queued', 'running')",
      [deviceId],
    );
    if (row !== undefined) return row;
    await new Promise((resolve) => setTimeout(resolve, 200)); // the test has an end of its own
  }
}

test('databases and commands are sealed with their witnesses, and come back into servers and as files', async () => {
  const sqlite = { kind: 'sqlite', label: 'app', files: [join(stack.folder, 'app.db')] };
  const statePath = await enrolledWith([stack.protectPath], [pgSource(), mySource(), sqlite, report()], 'seq 1 5000');
  const backup = await stack.run(statePath, 'backup');
  expect([backup.code, backup.stderr]).toEqual([0, '']);
  const [point] = await pointsOf(statePath);
  expect(point).toMatchObject({ outcome: 'ok', is_usable: true });
  const dumps = point!.witness.filter(({ role }) => role === 'dump');
  expect(dumps.map(({ path, dump }) => [path, dump?.kind, dump?.database])).toEqual([
    ['/postgres/main/globals.sql', 'postgres', null],
    ['/postgres/main/postgres.dump', 'postgres', 'postgres'],
    ['/postgres/main/shop.dump', 'postgres', 'shop'],
    ['/mysql/main/shop.sql', 'mysql', 'shop'],
    ['/sqlite/app/app.db', 'sqlite', 'app.db'],
    ['/commands/report/report.txt', 'command', null],
  ]);
  expect(dumps[2]?.dump?.serverVersion).toBe(postgres.sql('SHOW server_version').split(' ')[0]);

  // The first drill of a device comes by itself; its sample is as large as this whole backup.
  const drilled = await drillOf(statePath);
  expect(drilled.state).toBe('passed');
  const compared = drilled.evidence.selection.files.map(({ path }) => path);
  expect(compared).toEqual(expect.arrayContaining(dumps.map(({ path }) => path)));

  const status = await stack.run(statePath, 'status');
  expect(status.stdout).toContain(`PostgreSQL on 127.0.0.1, port ${postgres.port}: all databases`);

  const into = async (...args: string[]): Promise<[number | null, string]> => {
    const ended = await stack.run(statePath, 'restore-database', 'latest', ...args);
    return [ended.code, `${ended.stdout}${ended.stderr}`];
  };
  const pg = ['--host', '127.0.0.1', '--port', String(postgres.port), '--secret-file', pgpass];
  const fromShop = ['--path', '/postgres/main/shop.dump', ...pg];
  expect(await into(...fromShop, '--into', 'again', '--create')).toEqual([0, expect.stringContaining('Restored into')]);
  const rows = "SELECT count(*), md5(string_agg(pad, ',' ORDER BY n)) FROM item";
  expect(postgres.sql(rows, 'again')).toBe(postgres.sql(rows, 'shop'));
  expect(await into(...fromShop, '--into', 'again')).toEqual([1, expect.stringContaining('is not empty')]);
  const my = ['--host', '127.0.0.1', '--port', String(mariadb.port), '--user', 'keeper', '--secret-file', options];
  expect((await into('--path', '/mysql/main/shop.sql', ...my, '--into', 'again', '--create'))[0]).toBe(0);
  expect(
    mariadb
      .sql('CHECKSUM TABLE again.item, shop.item')
      .match(/\t\d+/g)
      ?.filter((a, _, all) => a !== all[0]),
  ).toEqual([]);
  const file = join(stack.folder, 'back.db');
  expect((await into('--path', '/sqlite/app/app.db', '--into', file))[0]).toBe(0);
  expect(execFileSync('sqlite3', [file, 'SELECT x FROM t'], { encoding: 'utf8' })).toBe('42\n');
  expect(await into('--path', '/postgres/main/none.dump', ...pg, '--into', 'x')).toEqual([
    1,
    expect.stringContaining('holds no file /postgres/main/none.dump'),
  ]);
  expect((await into('--path', '/etc/passwd', '--into', 'x'))[0]).toBe(2);

  const target = join(stack.folder, 'as-files');
  const restored = await stack.run(statePath, 'restore', 'latest', '--target', target, '--include', '/commands');
  expect(restored.code).toBe(0);
  expect(await readFile(join(target, 'commands/report/report.txt'), 'utf8')).toMatch(/^1\n[^]*5000\n$/);
});

test('a source that fails makes the backup partial, and it does not count', async () => {
  const unreachable = pgSource({ label: 'away', port: 1 });
  const failing = report({ label: 'bad' });
  const statePath = await enrolledWith(
    [stack.protectPath],
    [unreachable, failing, mySource({ databases: ['shop'] })],
    'seq 1 5000; exit 3',
  );
  const backup = await stack.run(statePath, 'backup');
  expect(backup.code).toBe(3);
  expect(backup.stderr).toContain('/postgres/away: The PostgreSQL server away failed');
  expect(backup.stderr).toContain('/commands/bad/report.txt: The command bad failed with exit code 3');
  const [point] = await pointsOf(statePath);
  expect(point).toMatchObject({ outcome: 'partial', is_usable: false });
  expect(point!.witness.flatMap(({ role, path }) => (role === 'dump' ? [path] : []))).toEqual(['/mysql/main/shop.sql']);
});

test('when no source could be read there is no backup, and the reasons are told', async () => {
  const statePath = await enrolledWith([], [pgSource({ label: 'away', port: 1 }), report()], 'exit 3');
  const backup = await stack.run(statePath, 'backup');
  expect(backup.code).toBe(1);
  expect(backup.stderr).toContain('Not one of the sources could be read');
  expect(backup.stderr).toContain('The command report failed with exit code 3');
  expect(await pointsOf(statePath)).toEqual([]);
  const { deviceId } = await loadIdentity(statePath);
  const [run] = await stack.sql('SELECT state, error_code, unread FROM backup_run WHERE device_id = $1', [deviceId]);
  expect(run).toMatchObject({ state: 'failed', error_code: 'source_unreadable' });
  expect(run?.unread).toHaveLength(2);
});

test('a daemon that is stopped in the middle of a dump ends it, and what was frozen is thawed', async () => {
  const log = join(stack.folder, 'hook-log');
  const script = `case "$1" in source) echo begun >> ${log}; exec sleep 300;; *) echo "$1" >> ${log};; esac`;
  const program = join(stack.folder, 'make-report');
  const hooked = report({
    argv: [program, 'source'],
    before: { argv: [program, 'freeze'] },
    after: { argv: [program, 'thaw'] },
  });
  const statePath = await enrolledWith([stack.protectPath], [hooked], script);
  const daemon = stack.agent(statePath, ['run']);
  const logged = async (): Promise<string> => await readFile(log, 'utf8').catch(() => '');
  for (let tries = 0; tries < 400 && !(await logged()).includes('begun'); tries++)
    await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await logged()).toBe('freeze\nbegun\n');
  expect((await daemon.stop()).code).toBe(0);
  expect(await logged()).toBe('freeze\nbegun\nthaw\n');
  expect(await pointsOf(statePath)).toEqual([]);
});
