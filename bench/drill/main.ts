/**
 * Drills beside those who do the same work alone: the restore of a level-3 drill beside stock restic's of the same repository,
 * and level 4 of a PostgreSQL dump (a server made, the dump loaded, checked and counted) beside pg_restore alone into a
 * server with the same settings that is up already. Whole processes, in turn.
 *
 *   npm run bench -- drill [--only restore,postgres] [--rounds 3] [--scale 1] [--seed holdfast] [--restic PATH] [--folder /tmp]
 */
import { execFile, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { POSTGRES_SETTINGS } from '../../workers/sandbox/open/postgres-settings.ts';
import { openRepository, readSnapshot } from '../../core/repository/repository.ts';
import { createFileStore } from '../../core/storage/file-store.ts';
import { ensureRestic } from '../../tools/test/ensure-restic.ts';
import { measure, median } from '../measure.ts';
import { makeMixed } from '../repo/corpus.ts';

const GIB = 2 ** 30;
const HOLDFAST = fileURLToPath(new URL('../../bin/holdfast', import.meta.url));
const RESTORE = fileURLToPath(new URL('./restore.ts', import.meta.url));
const OPEN = fileURLToPath(new URL('./open.ts', import.meta.url));
const BOUNDS = { restore: 1, postgres: 1.2 } as const;
/** Of Debian's package: PostgreSQL refuses to run as root. */
const ACCOUNT = 'postgres';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'restore,postgres' },
    rounds: { type: 'string', default: '3' },
    scale: { type: 'string', default: '1' },
    seed: { type: 'string', default: 'holdfast' },
    restic: { type: 'string' },
    folder: { type: 'string', default: tmpdir() },
  },
});
const rounds = Number(values.rounds);
const scale = Number(values.scale);

function report(what: string, theirs: readonly number[], ours: readonly number[], bound: number): void {
  const [a, b] = [median(theirs), median(ours)];
  const isOver = !(b / a <= bound);
  if (isOver) process.exitCode = 1;
  console.log(
    `  ${what.padEnd(52)} ${a.toFixed(1).padStart(7)} s ${b.toFixed(1).padStart(7)} s  ${(b / a).toFixed(2)}  at most ${bound}${isOver ? '  over' : ''}`,
  );
}

async function restoreBeside(scratch: string): Promise<void> {
  const restic = values.restic ?? ensureRestic('0.19');
  const [source, repository, passwordFile] = ['source', 'repository', 'password'].map((name) =>
    path.join(scratch, name),
  );
  mkdirSync(source!);
  writeFileSync(passwordFile!, 'benchmark\n', { mode: 0o600 });
  const { files, bytes } = makeMixed(source!, values.seed, scale * GIB);
  const repo = ['--repo', repository!, '--password-file', passwordFile!];
  for (const [command, ...args] of [['init'], ['backup', source!]])
    execFileSync(HOLDFAST, ['repo', command!, ...repo, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  const [snapshotId = ''] = readdirSync(path.join(repository!, 'snapshots'));
  const opened = await openRepository(createFileStore({ root: repository! }), 'benchmark');
  const { tree } = await readSnapshot(opened, snapshotId);
  console.log(`  restore of ${files.toLocaleString('en')} files, ${Math.round(bytes / 2 ** 20)} MiB; restic, a drill`);
  const seconds = { restic: [] as number[], drill: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    const target = (name: string): string => path.join(scratch, `${name}-${round}`);
    const env = { RESTIC_CACHE_DIR: path.join(scratch, 'cache') };
    const both = [
      async () => {
        const command = [restic, ...repo, 'restore', 'latest', '--target', target('restic')];
        seconds.restic.push((await measure(command, env)).wallSeconds);
      },
      async () => {
        const command = [RESTORE, repository!, passwordFile!, target('drill'), snapshotId, tree];
        const { stdout } = await promisify(execFile)(process.execPath, command);
        seconds.drill.push(Number(stdout));
      },
    ];
    // Whoever comes first may find a colder machine: it is not always the same.
    for (const run of round % 2 === 0 ? both : both.toReversed()) await run();
    execFileSync('diff', ['-r', path.join(target('restic'), source!), path.join(target('drill'), source!)]);
    for (const name of ['restic', 'drill']) rmSync(target(name), { recursive: true });
  }
  report('restore of a level-3 drill beside restic restore', seconds.restic, seconds.drill, BOUNDS.restore);
}

const programs = path.dirname(globSync('/usr/lib/postgresql/*/bin/initdb').sort().at(-1) ?? 'postgresql/is-missing');
const asAccount = (name: string, ...args: string[]): string[] => [
  ...['setpriv', `--reuid=${ACCOUNT}`, `--regid=${ACCOUNT}`, '--clear-groups', path.join(programs, name), ...args],
];
function runAs(name: string, ...args: string[]): void {
  const [command = '', ...rest] = asAccount(name, ...args);
  execFileSync(command, rest, { stdio: ['ignore', 'ignore', 'inherit'], cwd: '/' });
}

/** A server with the settings of a drill's; ends when it is told. */
async function startServer(folder: string): Promise<() => Promise<void>> {
  runAs('initdb', '-D', `${folder}/data`, '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '-N', '--no-instructions');
  const settings = POSTGRES_SETTINGS.flatMap((setting) => ['-c', setting]);
  const [command = '', ...args] = asAccount('postgres', '-D', `${folder}/data`, '-k', folder, ...settings);
  const server = spawn(command, args, { stdio: 'ignore', cwd: '/' });
  for (;;) {
    try {
      const [command = '', ...rest] = asAccount('psql', '-h', folder, '-q', '-c', 'SELECT 1', 'postgres');
      execFileSync(command, rest, { stdio: 'ignore', cwd: '/' }); // what it says before the server answers is no error
      break;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  return async () => {
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGINT');
    await ended;
  };
}

/** Tables as shops have them: numbers, texts, times, with keys and indexes. About a GiB as a dump. */
const CORPUS = (rows: number): string => `
  CREATE TABLE customer(id int PRIMARY KEY, name text NOT NULL, mail text NOT NULL);
  INSERT INTO customer SELECT n, 'customer ' || n, md5(n::text) || '@example.test' FROM generate_series(1, ${Math.ceil(rows / 20)}) n;
  CREATE TABLE "order"(id bigint PRIMARY KEY, customer_id int NOT NULL REFERENCES customer, placed_at timestamptz NOT NULL, total numeric(12,2), note text);
  INSERT INTO "order" SELECT n, 1 + n % ${Math.ceil(rows / 20)}, timestamptz '2026-01-01' + n * interval '1 second', n % 10000 / 7.0,
    md5(n::text) || md5((n * 3)::text) || md5((n * 7)::text) || md5((n * 11)::text) FROM generate_series(1, ${rows}) n;
  CREATE INDEX ON "order"(customer_id); CREATE INDEX ON "order"(placed_at);`;

async function postgresBeside(scratch: string): Promise<void> {
  chmodSync(scratch, 0o711);
  const server = path.join(scratch, 'server');
  mkdirSync(server, { mode: 0o777 });
  execFileSync('chown', [ACCOUNT, server]);
  const stop = await startServer(server);
  const dump = path.join(server, 'bench.dump');
  const seconds = { alone: [] as number[], drill: [] as number[] };
  try {
    runAs('createdb', '-h', server, 'source');
    runAs('psql', '-h', server, '-q', '-c', CORPUS(Math.round(5_600_000 * scale)), 'source');
    runAs('pg_dump', '-h', server, '-Fc', '-Z0', '-f', dump, 'source');
    runAs('dropdb', '-h', server, 'source');
    console.log(
      `  a PostgreSQL dump of ${Math.round(statSync(dump).size / 2 ** 20)} MiB; pg_restore alone, a drill of level 4`,
    );
    for (let round = 0; round < rounds; round++) {
      const alone = async (): Promise<void> => {
        runAs('createdb', '-h', server, '-T', 'template0', 'target');
        const command = asAccount('pg_restore', '-h', server, '--exit-on-error', '--no-owner', '-d', 'target', dump);
        seconds.alone.push((await measure(command, {})).wallSeconds);
        runAs('dropdb', '-h', server, 'target');
      };
      const drill = async (): Promise<void> => {
        const folder = mkdtempSync(path.join(scratch, 'drill-'));
        copyFileSync(dump, path.join(folder, 'bench.dump'));
        seconds.drill.push((await measure([process.execPath, OPEN, folder, 'bench.dump'], {})).wallSeconds);
        rmSync(folder, { recursive: true });
      };
      for (const run of round % 2 === 0 ? [alone, drill] : [drill, alone]) await run();
    }
  } finally {
    await stop();
  }
  report('drill of level 4 beside pg_restore alone', seconds.alone, seconds.drill, BOUNDS.postgres);
}

const chosen = values.only.split(',');
for (const [name, run] of Object.entries({ restore: restoreBeside, postgres: postgresBeside })) {
  if (!chosen.includes(name)) continue;
  const scratch = mkdtempSync(path.join(values.folder, 'holdfast-bench-drill-'));
  try {
    await run(scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
