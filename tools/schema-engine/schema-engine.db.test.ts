import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestPostgres, type TestPostgres } from '../../tests/support/start-test-postgres.ts';
import { migrate } from '../migrate.ts';

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));

let database: TestPostgres;
let project: string;

/** A small project of its own, so that authoring a migration does not touch the checkout's. */
beforeAll(async () => {
  database = await startTestPostgres();
  project = mkdtempSync(path.join(tmpdir(), 'holdfast-schema-engine-'));
  for (const name of ['node_modules', 'tools']) symlinkSync(path.join(CHECKOUT, name), path.join(project, name));
  writeFileSync(path.join(project, 'prisma.config.ts'), readFileSync(path.join(CHECKOUT, 'prisma.config.ts')));
  writeFileSync(path.join(project, 'package.json'), '{ "type": "module" }');
  mkdirSync(path.join(project, 'prisma'));
});
afterAll(async () => {
  await database.stop();
  rmSync(project, { recursive: true, force: true });
});

/** Runs `prisma …` as a person would, against a database beside this file's. */
function prisma(
  args: string[],
  { cwd = project, name = `${database.name}_shim` } = {},
): { status: number | null; output: string } {
  const url = new URL(database.databaseUrl);
  url.pathname = `/${name}`;
  const { status, stdout, stderr } = spawnSync(path.join(CHECKOUT, 'node_modules/.bin/prisma'), args, {
    cwd,
    encoding: 'utf8',
    env: {
      ...process.env,
      PATH: `${path.join(CHECKOUT, 'node_modules/.bin')}${path.delimiter}${process.env.PATH}`,
      DATABASE_URL: url.toString(),
      NO_COLOR: '1',
    },
  });
  return { status, output: `${stdout}${stderr}` };
}

function writeSchema(fields: string): void {
  writeFileSync(
    path.join(project, 'prisma/schema.prisma'),
    `generator client {\n  provider = "prisma-client"\n  output = "../generated"\n}\ndatasource db {\n  provider = "postgresql"\n}\nmodel Thing {\n  id Int @id\n${fields}\n}\n`,
  );
}

const DIFF = [
  'migrate',
  'diff',
  '--from-migrations',
  'prisma/migrations',
  '--to-schema',
  'prisma/schema.prisma',
  '--exit-code',
];

describe('the Prisma command line without its downloaded engine', () => {
  test('validate and generate work, and a broken schema is refused with its reason', () => {
    writeSchema('  name String');
    expect(prisma(['validate'])).toMatchObject({ status: 0, output: expect.stringContaining('is valid') });
    expect(prisma(['generate'])).toMatchObject({
      status: 0,
      output: expect.stringContaining('Generated Prisma Client (7.10.0)'),
    });
    writeSchema('  name Nothing');
    expect(prisma(['validate'])).toMatchObject({
      status: 1,
      output: expect.stringContaining('Type "Nothing" is neither'),
    });
  });

  test('migrate dev authors, deploy applies, status and diff tell the truth at every step', () => {
    writeSchema('  name String');
    expect(prisma(['migrate', 'dev', '--name', 'first'])).toMatchObject({ status: 0 });
    expect(prisma(DIFF)).toMatchObject({ status: 0 });
    expect(prisma(['migrate', 'status'])).toMatchObject({ status: 0, output: expect.stringContaining('up to date') });

    writeSchema('  name String\n  seats Int @default(1)');
    expect(prisma(DIFF)).toMatchObject({ status: 2, output: expect.stringContaining('seats') });
    expect(prisma(['migrate', 'dev', '--name', 'seats', '--create-only'])).toMatchObject({ status: 0 });
    expect(prisma(['migrate', 'status'])).toMatchObject({ status: 1, output: expect.stringContaining('_seats') });
    expect(prisma(['migrate', 'deploy'])).toMatchObject({ status: 0, output: expect.stringContaining('_seats') });
    expect(prisma(['migrate', 'deploy'])).toMatchObject({
      status: 0,
      output: expect.stringContaining('No pending migrations'),
    });
  });

  test('a function body with semicolons applies whole, and a failing script applies not at all', () => {
    const folder = path.join(project, 'prisma/migrations/20990101000000_function');
    mkdirSync(folder);
    writeFileSync(
      path.join(folder, 'migration.sql'),
      'CREATE FUNCTION two() RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM 1; RETURN 2; END; $$;\nDO $$ BEGIN IF two() <> 2 THEN RAISE EXCEPTION $m$no$m$; END IF; END $$;',
    );
    expect(prisma(['migrate', 'deploy'])).toMatchObject({ status: 0 });

    const bad = path.join(project, 'prisma/migrations/20990102000000_bad');
    mkdirSync(bad);
    writeFileSync(path.join(bad, 'migration.sql'), 'CREATE TABLE half (id int);\nCREATE TABLE half (id int);');
    expect(prisma(['migrate', 'deploy'])).toMatchObject({
      status: 1,
      output: expect.stringContaining('already exists'),
    });
    expect(prisma(['migrate', 'resolve', '--rolled-back', '20990102000000_bad'])).toMatchObject({ status: 0 });
    writeFileSync(path.join(bad, 'migration.sql'), 'CREATE TABLE half (id int);');
    expect(prisma(['migrate', 'deploy'])).toMatchObject({ status: 0 });
  });

  test('an unreachable server is an error with its code and not a silent success', () => {
    const url = new URL(database.databaseUrl);
    url.port = '1';
    const { status, stderr, stdout } = spawnSync(
      path.join(CHECKOUT, 'node_modules/.bin/prisma'),
      ['migrate', 'deploy'],
      {
        cwd: project,
        encoding: 'utf8',
        env: {
          ...process.env,
          PATH: `${path.join(CHECKOUT, 'node_modules/.bin')}:${process.env.PATH}`,
          DATABASE_URL: url.toString(),
        },
      },
    );
    expect({ status, output: stdout + stderr }).toMatchObject({ status: 1, output: expect.stringContaining('P1001') });
  });
});

describe('the schema of Holdfast', () => {
  test('prisma/migrations make exactly what prisma/schema.prisma says', async () => {
    expect(readdirSync(path.join(CHECKOUT, 'prisma/migrations')).length).toBeGreaterThan(1);
    const { status, output } = prisma(DIFF, { cwd: CHECKOUT, name: database.name });
    expect(output).toMatch(/No difference detected|empty migration/);
    expect(status).toBe(0);
  });

  test('after our own runner Prisma finds its history complete', async () => {
    expect(await migrate({ databaseUrl: database.databaseUrl })).toEqual([]);
    const { status, output } = prisma(['migrate', 'status'], { cwd: CHECKOUT, name: database.name });
    expect(output).toContain('Database schema is up to date');
    expect(status).toBe(0);
  });
});
