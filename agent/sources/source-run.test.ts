/** Commands, hooks and SQLite in real backups: what is kept, what is left out and why, and what stock restic gives back. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SourcesBench } from './testing/sources-bench.ts';

let bench: SourcesBench;
beforeEach(async () => {
  bench = await SourcesBench.make();
});
afterEach(() => bench.remove());

const command = (program: string, more: object = {}) => ({
  kind: 'command',
  label: 'report',
  argv: [program],
  fileName: 'report.txt',
  ...more,
});

describe('the output of a command', () => {
  test('is a file that stock restic gives back, with a witness that was taken beside it', async () => {
    const program = bench.script('make-report', 'seq 1 300000; printf "$1"');
    const { missing, run } = await bench.backUp([command(program, { argv: [program, 'last word'] })]);
    expect(missing).toEqual([]);
    const plain = bench.restic('dump', 'latest', '/commands/report/report.txt');
    expect(plain.toString()).toMatch(/^1\n2\n[^]*300000\nlast word$/);
    expect(run.dumps).toEqual([
      {
        kind: 'command',
        label: 'report',
        database: null,
        serverVersion: null,
        clientVersion: null,
        path: '/commands/report/report.txt',
        bytes: plain.length,
        sha256: createHash('sha256').update(plain).digest('hex'),
      },
    ]);
    expect(bench.restic('check', '--read-data').toString()).toContain('no errors were found');
  });

  test.each([
    [
      'exits with 3 after it wrote everything',
      'seq 1 300000; echo tape is full >&2; exit 3',
      'exit code 3: tape is full',
    ],
    ['is killed after it wrote much', 'seq 1 300000; kill -KILL $$', 'ended by SIGKILL'],
    ['writes nothing', 'exit 0', 'would be empty'],
  ])('that %s is no file of the snapshot, and stands among the unread', async (_, script, why) => {
    const { missing, run, result } = await bench.backUp([command(bench.script('bad', script))]);
    expect(missing).toEqual([{ path: '/commands/report/report.txt', message: expect.stringContaining(why) }]);
    expect(run.dumps).toEqual([]);
    expect(bench.listed()).not.toContain('report.txt');
    expect(result.unread.every(({ bytes, reason }) => bytes === 0 && reason === 'read_error')).toBe(true);
  });

  test('of a program that the machine has not allowed is not made: the program never runs', async () => {
    const mark = join(bench.folder, 'it-ran');
    const program = bench.file('stranger', `#!/bin/sh\ntouch ${mark}\necho x\n`, 0o700);
    const { missing } = await bench.backUp([command(program)]);
    expect(missing).toMatchObject([{ path: '/commands/report', message: expect.stringContaining('has not allowed') }]);
    expect(missing[0]?.message).toContain(bench.allowedListPath);
    bench.allow(program);
    chmodSync(program, 0o777);
    expect((await bench.backUp([command(program)])).missing).toMatchObject([
      { message: expect.stringContaining('other users of this machine may write') },
    ]);
    chmodSync(program, 0o700);
    chmodSync(bench.allowedListPath, 0o666);
    expect((await bench.backUp([command(program)])).missing).toMatchObject([
      { message: expect.stringContaining('other users of this machine may write') },
    ]);
    expect(existsSync(mark)).toBe(false);
  });

  test('ends with the backup that is stopped', async () => {
    const program = bench.script('endless', 'echo $$; exec sleep 600');
    const stop = new AbortController();
    const run = await bench.begin([command(program)], stop.signal);
    const { bytes, done } = await run.streams[0]!.open(stop.signal);
    let pid = 0;
    for await (const piece of bytes) {
      pid = Number(Buffer.from(piece).toString());
      stop.abort();
    }
    await expect(done).rejects.toMatchObject({ code: 'cancelled' });
    await run.end();
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });
});

describe('hooks', () => {
  const logged = (): string[] => readFileSync(join(bench.folder, 'log'), 'utf8').trim().split('\n');
  const hook = (name: string, script = '', more: object = {}) => ({
    argv: [bench.script(name, `echo "${name} $HOLDFAST_SOURCE $HOLDFAST_OUTCOME" >> ${bench.folder}/log\n${script}`)],
    ...more,
  });

  test('run around their source alone, and hear how it went', async () => {
    const good = bench.script('good', `echo good >> ${bench.folder}/log; echo data`);
    const bad = bench.script('bad', `echo bad >> ${bench.folder}/log; exit 1`);
    await bench.backUp([
      command(good, { label: 'one', before: hook('before-one'), after: hook('after-one') }),
      command(bad, { label: 'two', before: hook('before-two'), after: hook('after-two') }),
    ]);
    expect(logged()).toEqual([
      'before-one command/one ',
      'good',
      'after-one command/one ok',
      'before-two command/two ',
      'bad',
      'after-two command/two failed',
    ]);
  });

  test('a hook before that fails keeps its source out, and the one after still runs', async () => {
    const source = bench.script('source', `echo source >> ${bench.folder}/log; echo data`);
    const before = hook('before', 'echo no room >&2; exit 7');
    const { missing } = await bench.backUp([
      command(source, { before, after: hook('after') }),
      command(source, { label: 'other' }),
    ]);
    expect(missing).toEqual([
      { path: '/commands/report/report.txt', message: expect.stringContaining('exit code 7: no room') },
    ]);
    expect(logged()).toEqual(['before command/report ', 'after command/report failed', 'source']);
    expect(bench.listed()).toContain('/commands/other/report.txt');
  });

  test('a hook that only warns lets its source be read', async () => {
    const before = hook('before', 'exit 7', { onFailure: 'warn' });
    const after = hook('after', 'exit 8', { onFailure: 'warn' });
    const { missing } = await bench.backUp([command(bench.script('source', 'echo data'), { before, after })]);
    expect(missing).toEqual([]);
    expect(logged()).toHaveLength(2);
  });

  test('a hook after that fails is told: what was stored stays, and the backup is not whole', async () => {
    const { missing } = await bench.backUp([
      command(bench.script('source', 'echo data'), { after: hook('after', 'exit 8') }),
    ]);
    expect(missing).toEqual([{ path: '/commands/report', message: expect.stringContaining('exit code 8') }]);
    expect(bench.restic('dump', 'latest', '/commands/report/report.txt').toString()).toBe('data\n');
  });

  test('of folders run before these are read; folders whose hook fails are left out, and named', async () => {
    const data = join(bench.folder, 'data');
    mkdirSync(data);
    const before = hook('before', `echo frozen > ${data}/state`);
    const files = {
      kind: 'files',
      label: 'app',
      paths: [data],
      before,
      after: hook('after', `echo thawed > ${data}/state`),
    };
    expect((await bench.backUp([files])).missing).toEqual([]);
    expect(bench.restic('dump', 'latest', join(data, 'state')).toString()).toBe('frozen\n');
    expect(readFileSync(join(data, 'state'), 'utf8')).toBe('thawed\n');
    const { missing } = await bench.backUp([{ ...files, before: hook('refusing', 'exit 1') }]);
    expect(missing).toEqual([{ path: data, message: expect.stringContaining('exit code 1') }]);
    expect(bench.listed()).not.toContain('data/state');
  });

  test('of a backup that is stopped: the one after still runs, and runs once', async () => {
    const stop = new AbortController();
    const source = command(bench.script('source', 'sleep 60'), { before: hook('before'), after: hook('after') });
    const run = await bench.begin([source], stop.signal);
    const { bytes, done } = await run.streams[0]!.open(stop.signal);
    stop.abort();
    for await (const _ of bytes);
    await expect(done).rejects.toMatchObject({ code: 'cancelled' });
    await Promise.all([run.end(), run.end()]);
    expect(logged()).toEqual(['before command/report ', 'after command/report failed']);
  });
});

describe('a SQLite database', () => {
  let writer: ChildProcess | undefined;
  afterEach(async () => {
    if (writer === undefined) return;
    const ended = new Promise((resolve) => writer?.once('exit', resolve));
    writer.kill('SIGKILL');
    await ended;
    writer = undefined;
  });

  /** A program that for ever moves money from the file's beginning to its end: the sum is the same at every moment. */
  async function startWriter(file: string, mode: string): Promise<void> {
    sqlite(
      file,
      `PRAGMA journal_mode=${mode}; CREATE TABLE mark(round INTEGER);
      CREATE TABLE account(id INTEGER PRIMARY KEY, amount INTEGER, pad BLOB);
      WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 10000)
      INSERT INTO account SELECT x, 100, randomblob(1500) FROM n;`,
    );
    const script = `
      const { DatabaseSync } = require('node:sqlite');
      const db = new DatabaseSync(process.argv[1], { timeout: 20000 });
      db.exec('PRAGMA synchronous = OFF');
      const pause = new Int32Array(new SharedArrayBuffer(4));
      console.log('writes');
      for (let at = 0; ; at++) {
        const [a, b] = [1 + at % 500, 10000 - at % 500];
        db.exec('BEGIN IMMEDIATE');
        db.prepare('UPDATE account SET amount = amount - 1 WHERE id = ?').run(a);
        db.prepare('UPDATE account SET amount = amount + 1 WHERE id = ?').run(b);
        db.exec('COMMIT');
        Atomics.wait(pause, 0, 0, 1); // people pause too, and the disk is not what is tested
      }`;
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '-e', script, file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    writer = child;
    await new Promise((resolve) => child.stdout.once('data', resolve));
  }

  const sqlite = (file: string, sql: string): string =>
    execFileSync('sqlite3', [file], { input: sql, encoding: 'utf8' }).trim();

  test.each(['wal', 'delete'])(
    'is one moment of a database that is written all the while (%s)',
    async (mode) => {
      const file = join(bench.folder, `bank-${mode}.db`);
      await startWriter(file, mode);
      const source = { kind: 'sqlite', label: 'bank', files: [file] };
      for (let round = 0; round < 2; round++) {
        sqlite(file, `.timeout 20000\nINSERT INTO mark VALUES (${round});`);
        const { missing, run } = await bench.backUp([source]);
        expect(missing).toEqual([]);
        const copy = join(bench.folder, `copy-${round}.db`);
        writeFileSync(copy, bench.restic('dump', 'latest', `/sqlite/bank/bank-${mode}.db`));
        expect(run.dumps).toMatchObject([{ kind: 'sqlite', database: `bank-${mode}.db`, bytes: statSync(copy).size }]);
        const looked =
          'PRAGMA integrity_check; SELECT count(*), sum(amount) FROM account; SELECT max(round) FROM mark;';
        expect(sqlite(copy, looked)).toBe(`ok\n10000|1000000\n${round}`);
      }
      expect(readdirSync(join(bench.folder, 'copies'))).toEqual([]);
      expect(writer?.exitCode).toBe(null);
    },
    120_000,
  );

  test('that is not there, is no database, or is damaged is left out with its reason, and never made', async () => {
    const absent = join(bench.folder, 'absent.db');
    const text = bench.file(
      'text.db',
      'this is no database, but it is long enough to look like something of its own\n'.repeat(50),
    );
    const broken = join(bench.folder, 'broken.db');
    sqlite(
      broken,
      'CREATE TABLE t(x); WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 20000) INSERT INTO t SELECT x FROM n;',
    );
    const bytes = readFileSync(broken);
    bytes.fill(0xff, 8192, 16_384);
    writeFileSync(broken, bytes);
    const good = join(bench.folder, 'good.db');
    sqlite(good, 'CREATE TABLE t(x);');
    const { missing } = await bench.backUp([{ kind: 'sqlite', label: 'all', files: [absent, text, broken, good] }]);
    expect(missing).toEqual([
      { path: '/sqlite/all/absent.db', message: expect.stringContaining('There is no database file') },
      { path: '/sqlite/all/text.db', message: expect.stringContaining('not a database') },
      { path: '/sqlite/all/broken.db', message: expect.stringMatching(/damaged|malformed/) },
    ]);
    expect(existsSync(absent)).toBe(false);
    expect(bench.listed()).toContain('/sqlite/all/good.db');
    expect(readdirSync(join(bench.folder, 'copies'))).toEqual([]);
  });
});
