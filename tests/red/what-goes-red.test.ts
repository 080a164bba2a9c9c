/**
 * Each way of being sick, end to end: which light goes red, after which job, and what people read; and that all other machines
 * of the fleet stay as they were.
 */
import { chmod, copyFile, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { backupSources } from '../../core/domain/backup-source.ts';
import type { PolicyDocument } from '../../core/domain/policy.ts';
import { requestDrill } from '../../server/drills/request-drill.ts';
import { startSystemPostgres, type SystemPostgres } from '../support/start-system-postgres.ts';
import { until } from '../support/until.ts';
import { type Alert, type Light, type Machine, RedFleet } from './fleet.ts';
import { plantLyingIndex } from './lying-index.ts';

/** One for each test below that needs nothing but files. */
const SPARES = 11;
const MISBEHAVING = 'tests/red/misbehaving-worker.ts';
const PROVEN = 'The newest restore point was restored and compared.';

let fleet: RedFleet;
let spares: Machine[];
let sick: Machine;
let before: Map<string, Light>;

beforeAll(async () => {
  ({ fleet, spares } = await RedFleet.start(SPARES));
});
afterAll(async () => await fleet?.close());

beforeEach(async () => {
  before = await fleet.lights();
  expect(new Set([...before.values()].map(({ state, reason }) => `${state}: ${reason}`))).toEqual(
    new Set([`proven: ${PROVEN}`]),
  );
  expect(before.size).toBeGreaterThan(20);
  expect(await fleet.alerts()).toEqual([]);
});
afterEach(async () => await fleet.remove(sick));

const takeSpare = (): void => {
  sick = spares.pop()!;
};

/** The sick machine shows this, and nothing else of the fleet has changed. */
async function expectOnly(
  light: Pick<Light, 'state' | 'reason'>,
  alert: Omit<Alert, 'deviceId'> | undefined,
): Promise<void> {
  const now = await fleet.lights();
  const expected = { ...light, openAlerts: alert === undefined ? 0 : 1 };
  expect(now).toEqual(new Map([...before, [sick.deviceId, expected]]));
  expect(await fleet.alerts()).toEqual(alert === undefined ? [] : [{ deviceId: sick.deviceId, ...alert }]);
}

/** The file of a stored object, which a test may then hurt as a failing disk would. */
async function stored(key: string, machine = sick): Promise<string> {
  const file = join(machine.vaultFolder, key);
  await chmod(file, 0o600);
  return file;
}

const ONE_OBJECT = 'One stored object is damaged or missing; the restore points that need it are locked away.';
const damaged = (what: string, then: string): Omit<Alert, 'deviceId'> => ({
  kind: 'damage',
  title: 'Stored backup data is damaged',
  message: `A stored object is ${what}. One restore point needs it and is locked away; the others are not affected. ${then}`,
});
const SENT_AGAIN = 'The machine is asked to send the data again by itself; the page Integrity shows how far that is.';
const NOT_SENT_AGAIN =
  'No machine can send this again. Check the storage. When it is repaired, this is seen within six hours, or at once when you run the check of an affected point.';

describe('what is stored', () => {
  beforeEach(takeSpare);

  test('a pack with one bit flipped: red after one reading, of which there are four a day', async () => {
    const [key = ''] = await fleet.keys(sick, 'data_pack');
    const file = await stored(key);
    const bytes = await readFile(file);
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(file, bytes);
    // A listing compares sizes, and sees nothing.
    await fleet.check(sick, 'listing', 0);
    await expectOnly({ state: 'proven', reason: PROVEN }, undefined);
    expect(await fleet.check(sick, 'reading')).toBe(6);
    expect(await fleet.checks(sick)).toEqual(['level 0 passed', 'level 1 failed']);
    await expectOnly({ state: 'damaged', reason: ONE_OBJECT }, damaged(`damaged (${key})`, SENT_AGAIN));
  });

  test('a pack that was cut: red after one listing, of which there is one a day', async () => {
    const [key = ''] = await fleet.keys(sick, 'data_pack');
    const file = await stored(key);
    await truncate(file, (await readFile(file)).length >> 1);
    expect(await fleet.check(sick, 'listing')).toBe(24);
    expect(await fleet.checks(sick)).toEqual(['level 0 failed']);
    await expectOnly({ state: 'damaged', reason: ONE_OBJECT }, damaged(`damaged (${key})`, SENT_AGAIN));
  });

  test('a pack that was deleted: red after one listing', async () => {
    const [key = ''] = await fleet.keys(sick, 'tree_pack');
    await rm(await stored(key));
    await fleet.check(sick, 'listing', 3);
    expect(await fleet.checks(sick)).toEqual(['level 0 failed']);
    await expectOnly({ state: 'damaged', reason: ONE_OBJECT }, damaged(`missing (${key})`, SENT_AGAIN));
  });

  test('a pack in whose place another valid one lies: red after one reading', async () => {
    const [key = ''] = await fleet.keys(sick, 'data_pack');
    const [neighbour] = spares;
    const [other = ''] = await fleet.keys(neighbour!, 'data_pack');
    await copyFile(await stored(other, neighbour), await stored(key));
    await fleet.check(sick, 'reading', 3);
    expect(await fleet.checks(sick)).toEqual(['level 1 failed']);
    await expectOnly({ state: 'damaged', reason: ONE_OBJECT }, damaged(`damaged (${key})`, SENT_AGAIN));
  });

  test('an index that lies, though every byte of it is as it was sent: red after one decryption, of which there is one a day', async () => {
    const [index = ''] = await fleet.keys(sick, 'index');
    const [pack = ''] = await fleet.keys(sick, 'data_pack');
    await plantLyingIndex(sick, index, basename(pack), async (...query) => await fleet.stack.sql(...query));
    await fleet.check(sick, 'reading', 0);
    await expectOnly({ state: 'proven', reason: PROVEN }, undefined);
    expect(await fleet.check(sick, 'decrypting', 3)).toBe(24);
    expect(await fleet.checks(sick)).toEqual(['level 1 passed', 'level 2 failed']);
    await expectOnly({ state: 'damaged', reason: ONE_OBJECT }, damaged(`unreadable inside (${pack})`, SENT_AGAIN));
  });

  test('a snapshot that is gone: red after one listing', async () => {
    const [key = ''] = await fleet.keys(sick, 'snapshot');
    await rm(await stored(key));
    await fleet.check(sick, 'listing', 3);
    expect(await fleet.checks(sick)).toEqual(['level 0 failed']);
    await expectOnly({ state: 'damaged', reason: ONE_OBJECT }, damaged(`missing (${key})`, NOT_SENT_AGAIN));
  });
});

describe('what is restored', () => {
  beforeEach(takeSpare);
  beforeEach(async () => void (await fleet.drillsBy()));

  test('bytes that are not those that the machine saw: red with the first restore test', async () => {
    await fleet.stack.sql(
      `UPDATE restore_point SET witness = (SELECT jsonb_agg(CASE WHEN w->>'path' LIKE '%/one.txt'
         THEN jsonb_set(w, '{sha256}', to_jsonb(repeat('1', 64))) ELSE w END) FROM jsonb_array_elements(witness) w)
       WHERE device_id = $1`,
      [sick.deviceId],
    );
    await requestDrill(fleet.stack.services, fleet.owner, { deviceId: sick.deviceId });
    await fleet.idle();
    expect(await fleet.drills(sick)).toEqual(['passed', 'failed']);
    await expectOnly(
      {
        state: 'damaged',
        reason: 'The newest restore point did not pass its checks and is locked away.',
      },
      {
        kind: 'drill_failed',
        title: 'A restore test failed',
        message: `One file of 4 did not come back as the machine saw it (the first: ${sick.folder}/letters/one.txt). The restore point is locked away; earlier ones are not affected. Look at the drill for the files concerned; the next backup is tested as soon as it is verified.`,
      },
    );
  });
});

describe('what a database makes of it', () => {
  let postgres: SystemPostgres;
  beforeAll(async () => {
    postgres = await startSystemPostgres();
  });
  afterAll(async () => await postgres.stop());
  beforeEach(async () => void (await fleet.drillsBy()));

  const LEVEL_3 = { level: 3, everyHours: 24, sampleFiles: 5 } as const;
  const LEVEL_4 = { ...LEVEL_3, level: 4 } as const;
  const FAITHFUL =
    'The restore point is what the machine had, so it can still be restored, but it does not count as a backup; earlier ones are not affected. Look at the source of the data; the next backup is tested as soon as it is verified.';
  const FAILED = {
    state: 'failed',
    reason: 'The last restore test failed; the next restore point is tested as soon as it is verified.',
  };
  const failed = (why: string): Omit<Alert, 'deviceId'> => ({
    kind: 'drill_failed',
    title: 'A restore test failed',
    message: `${why} ${FAITHFUL}`,
  });

  function createDatabase(name: string): void {
    postgres.sql(`CREATE DATABASE ${name}`);
    postgres.sql('CREATE TABLE visit AS SELECT n, md5(n::text) AS pad FROM generate_series(1, 2000) n', name);
  }

  /** A machine with this database, proven a day before; from now on the database is to be opened, too. */
  async function proven(
    sources: readonly object[],
    drill: PolicyDocument['drill'],
    prepare?: (statePath: string) => Promise<void>,
  ): Promise<void> {
    sick = await fleet.machine({ sources: backupSources.parse(sources), drill }, prepare);
    await fleet.proven(sick);
    await fleet.plan(sick, LEVEL_4);
    await fleet.age(sick, '25 hours');
    expect(await fleet.drills(sick)).toEqual(['passed']);
    await expectOnly({ state: 'proven', reason: PROVEN }, undefined);
  }

  /** The next backup, and what follows it. */
  async function backUp(): Promise<void> {
    await fleet.backUp(sick);
    await fleet.idle();
    expect(await fleet.drills(sick)).toEqual(['passed', 'failed']);
    // What the machine had, and no more than that: not locked away, and not counted.
    const points = await fleet.stack.sql(
      'SELECT state, is_usable, level_passed FROM restore_point WHERE device_id = $1 ORDER BY capture_at',
      [sick.deviceId],
    );
    expect(points.at(-1)).toEqual({ state: 'sealed', is_usable: false, level_passed: 1 });
  }

  async function source(database: string): Promise<object> {
    const file = join(fleet.stack.folder, 'pgpass');
    await writeFile(file, `127.0.0.1:*:*:postgres:${postgres.password.replaceAll(':', '\\:')}\n`, { mode: 0o600 });
    const server = { kind: 'postgres', label: 'main', host: '127.0.0.1', port: postgres.port, user: 'postgres' };
    return { ...server, databases: [database], login: { kind: 'secret_file', path: file } };
  }

  test('a dump of a database that is empty by now: red with the restore test of that backup', async () => {
    createDatabase('hollow');
    await proven([await source('hollow')], LEVEL_3);
    postgres.sql('DROP TABLE visit', 'hollow');
    await backUp();
    await expectOnly(
      FAILED,
      failed(
        'The dump of the database hollow holds no table at all: the database was empty when it was dumped, or it was not the right one.',
      ),
    );
  });

  test('a database that silently lost nine tenths of its rows: red with the restore test of that backup', async () => {
    createDatabase('shrinking');
    await proven([await source('shrinking')], LEVEL_4);
    postgres.sql('DELETE FROM visit WHERE n > 200', 'shrinking');
    await backUp();
    await expectOnly(
      FAILED,
      failed(
        'The database shrinking has lost rows since the last passed restore test: 200 of 2,000 are left.\npublic.visit: 200 of 2,000 rows are left.',
      ),
    );
  });

  test('a dump cut short by a command that ends with 0: red with the restore test of that backup', async () => {
    createDatabase('severed');
    const script = join(fleet.stack.folder, 'dump-severed');
    const dump = `PGPASSWORD='${postgres.password}' ${postgres.programs}/pg_dump -h 127.0.0.1 -p ${postgres.port} -U postgres -Fc -Z0 severed`;
    await writeFile(script, `#!/bin/sh\n${dump}\n`, { mode: 0o700 });
    const job = { kind: 'command', label: 'job', argv: [script], fileName: 'severed.dump' };
    await proven([job], LEVEL_3, async (statePath) => {
      await writeFile(join(statePath, 'allowed-programs'), `${script}\n`, { mode: 0o600 });
    });
    await writeFile(script, `#!/bin/sh\n${dump} | head -c 60000\n`);
    await backUp();
    const [alert] = await fleet.alerts();
    // In the words of the installed version of pg_restore.
    expect(alert?.message).toMatch(
      /^PostgreSQL could not load the dump of the output severed\.dump of job to its end:\n.*end of file/s,
    );
    expect(alert?.message.endsWith(`\n${FAITHFUL}`)).toBe(true);
    await expectOnly(FAILED, { ...failed(''), message: alert!.message });
  });
});

describe('whoever restores it', () => {
  beforeEach(takeSpare);

  test.each([
    ['hangs', 'hang', 2_000, 'it took longer than a restore of this size may'],
    ['wants ever more memory', 'buffers', 600_000, 'it wanted more memory than a restore may have'],
    ['fills the disk', 'scratch', 600_000, 'it filled more of the disk than what it restores can take'],
  ])(
    'a restore that %s: red with the third restore test, half an hour after the first',
    async (_words, act, patienceMs, last) => {
      await fleet.drillsBy(MISBEHAVING, [String(patienceMs)]);
      await fleet.age(sick, '25 hours');
      await writeFile(join(sick.folder, act), 'restoring this ends whoever does it\n');
      await fleet.backUp(sick);
      await fleet.idle();
      // Once and twice it may be the machine that restores: nothing is known, so nothing is red, and it is tried again.
      for (const done of [1, 2]) {
        expect(await fleet.drills(sick)).toEqual(['passed', ...Array.from({ length: done }, () => 'void')]);
        await expectOnly(
          {
            state: 'proven',
            reason:
              'A restore was tested within the interval of the policy, and the newest restore point is stored intact.',
          },
          undefined,
        );
        await fleet.age(sick, '15 minutes');
        await fleet.sweep();
      }
      expect(await fleet.drills(sick)).toEqual(['passed', 'void', 'void', 'failed']);
      await expectOnly(
        {
          state: 'failed',
          reason: 'The last restore test failed; the next restore point is tested as soon as it is verified.',
        },
        {
          kind: 'drill_failed',
          title: 'A restore test failed',
          message: `The restore was tried 3 times in a row and never came to its end; the last time ${last}. Whether the restore point can be restored is not known, so it does not count as a backup; earlier ones are not affected. Restore it on another machine to find out; the next backup is tested as soon as it is verified.`,
        },
      );
    },
  );
});

describe('what is nobody’s fault', () => {
  beforeEach(takeSpare);

  test('a worker that is killed in the middle of a restore test: the test is made elsewhere, and nothing is red at any time', async () => {
    const doomed = await fleet.drillsBy(MISBEHAVING, ['600000']);
    await fleet.age(sick, '25 hours');
    await writeFile(join(sick.folder, 'hang'), 'here the first worker stays\n');
    await fleet.backUp(sick);
    await until('that the restore test is under way', async () => (await fleet.drills(sick)).includes('running'));
    await doomed.stop('SIGKILL');
    const waiting = {
      state: 'proven',
      reason: 'A restore was tested within the interval of the policy, and the newest restore point is stored intact.',
    };
    await expectOnly(waiting, undefined);
    // The lease of a minute runs out sooner, so that nobody waits for it here.
    await fleet.stack.sql(
      `UPDATE job_intent SET lease_until = now() - interval '1 second' WHERE kind = 'drill' AND state = 'running'`,
    );
    await fleet.drillsBy();
    await fleet.proven(sick);
    expect(await fleet.drills(sick)).toEqual(['passed', 'passed']);
    const jobs = await fleet.stack.sql(
      `SELECT state, attempt, crashes FROM job_intent WHERE kind = 'drill'
       AND payload->>'drillId' IN (SELECT id::text FROM drill WHERE device_id = $1) ORDER BY created_at`,
      [sick.deviceId],
    );
    expect(jobs.at(-1)).toEqual({ state: 'done', attempt: 2, crashes: 1 });
    await expectOnly({ state: 'proven', reason: PROVEN }, undefined);
  });
});
