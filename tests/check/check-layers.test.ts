import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));
const CHECKER = path.join(CHECKOUT, 'tools/check/check-layers.mjs');

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'holdfast-layers-'));
  write('package.json', JSON.stringify({ dependencies: Object.fromEntries(PACKAGES.map((name) => [name, '1.0.0'])) }));
  for (const target of TARGETS) write(target, 'export const value = 1;\nexport type Shape = number;\n');
  // So that a tree with one planted file is never "nothing was read".
  write('core/base/clean.ts', "import { value } from './clock.ts';\nexport const other = value;\n");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const PACKAGES = [
  'zod',
  'pg',
  '@prisma/client',
  'bullmq',
  '@google-cloud/storage',
  '@mantine/core',
  'hono',
  'yazl',
  'vitest',
];
const TARGETS = [
  'core/base/clock.ts',
  'core/base/plain.ts',
  'core/domain/policy.ts',
  'core/storage/port.ts',
  'core/storage/testing/faulty-store.ts',
  'core/protocol/messages.ts',
  'core/repository/backup.ts',
  'server/env.ts',
  'server/db/client.ts',
  'server/db/generated/client.ts',
  'server/runs/start-run.ts',
  'app/page.tsx',
  'gateway/main.ts',
  'workers/main.ts',
  'agent/main.ts',
  'tools/start.ts',
  'tests/support/postgres.ts',
];

function write(file: string, text: string): void {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  writeFileSync(path.join(root, file), text);
}

function check(folder = root): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CHECKER, folder], { encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

/** file, text, what the checker must say (with the line), for every rule that there is. */
const PLANTED: readonly (readonly [string, string, RegExp])[] = [
  // the arrows
  [
    'core/base/planted.ts',
    "import { value } from '../domain/policy.ts';\nvalue;",
    /planted\.ts:1: core\/base may not import core\/domain/,
  ],
  [
    'core/domain/planted.ts',
    "\nimport { value } from '../storage/port.ts';\nvalue;",
    /planted\.ts:2: core\/domain may not import core\/storage/,
  ],
  [
    'core/storage/planted.ts',
    "export * from '../repository/backup.ts';",
    /core\/storage may not import core\/repository/,
  ],
  [
    'core/protocol/planted.ts',
    "export { value } from '../repository/backup.ts';",
    /core\/protocol may not import core\/repository/,
  ],
  [
    'core/repository/planted.ts',
    "import type { Shape } from '../domain/policy.ts';\nexport type A = Shape;",
    /core\/repository may not import core\/domain/,
  ],
  [
    'core/repository/planted.ts',
    "export const late = () => import('../protocol/messages.ts');",
    /core\/repository may not import core\/protocol/,
  ],
  [
    'core/domain/planted.ts',
    "import { value } from '../../server/runs/start-run.ts';\nvalue;",
    /core\/domain may not import server /,
  ],
  [
    'core/domain/planted.ts',
    "export type A = import('../../server/env.ts').Shape;",
    /core\/domain may not import server\/env/,
  ],
  ['core/domain/planted.ts', "const a = require('../../server/env.ts');", /core\/domain may not import server\/env/],
  [
    'core/domain/planted.ts',
    "import a = require('../../server/env.ts');\na;",
    /core\/domain may not import server\/env/,
  ],
  [
    'core/domain/planted.ts',
    "createRequire(import.meta.url)('../../server/env.ts');",
    /core\/domain may not import server\/env/,
  ],
  [
    'core/repository/planted.ts',
    "new Worker(new URL('../../server/env.ts', import.meta.url));",
    /core\/repository may not import server\/env/,
  ],
  ['server/runs/planted.ts', "import '../../gateway/main.ts';", /server may not import gateway/],
  ['server/runs/planted.ts', "import '../../workers/main.ts';", /server may not import workers/],
  ['server/runs/planted.ts', "import '../../app/page.tsx';", /server may not import app/],
  ['server/runs/planted.ts', "import '../../agent/main.ts';", /server may not import agent/],
  ['gateway/planted.ts', "import '../workers/main.ts';", /gateway may not import workers/],
  ['workers/planted.ts', "import '../gateway/main.ts';", /workers may not import gateway/],
  ['app/planted.tsx', "import '../gateway/main.ts';", /app may not import gateway/],
  ['agent/planted.ts', "import '../server/runs/start-run.ts';", /agent may not import server /],
  ['agent/planted.ts', "import '../gateway/main.ts';", /agent may not import gateway/],
  ['gateway/planted.ts', "import '../agent/main.ts';", /gateway may not import agent/],
  ['workers/planted.ts', "import '../tools/start.ts';", /workers may not import tools/],
  ['tools/planted.ts', "import '../workers/main.ts';", /tools may not import workers/],
  // packages, each in its own layer
  ['server/runs/planted.ts', "import pg from 'pg';\npg;", /server may not import the package pg/],
  ['workers/planted.ts', "import '@prisma/client/runtime';", /workers may not import the package @prisma\/client/],
  ['workers/planted.ts', "import { Queue } from 'bullmq';\nQueue;", /workers may not import the package bullmq/],
  [
    'server/runs/planted.ts',
    "import '@google-cloud/storage';",
    /server may not import the package @google-cloud\/storage/,
  ],
  ['server/runs/planted.ts', "import '@mantine/core';", /server may not import the package @mantine\/core/],
  ['agent/planted.ts', "import 'hono';", /agent may not import the package hono/],
  ['core/base/planted.ts', "import 'zod';", /core\/base may not import the package zod/],
  ['gateway/planted.ts', "import 'left-pad';", /imports left-pad, which package\.json does not list/],
  ['workers/planted.ts', "import { test } from 'vitest';\ntest;", /vitest, which is for tests alone/],
  // what must not be reached
  [
    'workers/planted.ts',
    "import { value } from '../server/db/generated/client.ts';\nvalue;",
    /only server\/db touches Prisma's client/,
  ],
  [
    'workers/planted.ts',
    "import '../core/storage/testing/faulty-store.ts';",
    /faulty-store\.ts, which is for tests alone/,
  ],
  [
    'server/runs/planted.ts',
    "import '../../tests/support/postgres.ts';",
    /tests\/support\/postgres\.ts, which is for tests alone/,
  ],
  ['core/base/planted.ts', "import './gone.ts';", /imports \.\/gone\.ts, which does not exist/],
  ['server/runs/planted.ts', 'export const load = (name: string) => import(name);', /computed name/],
  ['core/storage/planted.ts', "import http from 'node:http';\nhttp;", /core\/storage may not import node:http/],
  ['core/base/planted.ts', "import net from 'net';\nnet;", /core\/base may not import net/],
  // browser code, directly and by way of another file
  [
    'app/planted.client.tsx',
    "import { readFileSync } from 'node:fs';\nreadFileSync;",
    /planted\.client\.tsx:1: runs in a browser and reaches node:fs/,
  ],
  [
    'app/planted.client.tsx',
    "import { value, type Shape } from '../server/env.ts';\nexport const a: Shape = value;",
    /runs in a browser and reaches server\/env\.ts/,
  ],
  [
    'core/repository/web/planted.ts',
    "import '../../base/through.ts';",
    /reaches node:crypto \(core\/repository\/web\/planted\.ts → core\/base\/through\.ts → node:crypto\)/,
  ],
  [
    'reader/planted.ts',
    "import { join } from 'path';\njoin;",
    /reader\/planted\.ts:1: runs in a browser and reaches node:path/,
  ],
  ['reader/planted.ts', "import { value } from '../agent/main.ts';\nvalue;", /reader may not import agent/],
  [
    'app/planted.client.tsx',
    "import '../core/base/through.ts';",
    /reaches node:crypto \(app\/planted\.client\.tsx → core\/base\/through\.ts → node:crypto\)/,
  ],
  // the environment, the clock, chance
  ['server/runs/planted.ts', 'export const a = process.env.SECRET;', /planted\.ts:1: reads process\.env/],
  ['server/runs/planted.ts', "export const a = process['env'];", /reads process\.env/],
  ['server/runs/planted.ts', 'const { env } = process;\nenv;', /reads process\.env/],
  ['server/runs/planted.ts', 'export const a = globalThis.process.env;', /reads process\.env/],
  ['server/runs/planted.ts', "import { env } from 'node:process';\nenv;", /reads process\.env/],
  ['server/runs/planted.ts', 'export const a = process.env.NODE_ENV;', /reads process\.env/],
  ['core/domain/planted.ts', 'export const a = Date.now();', /uses Date\.now/],
  ['core/domain/planted.ts', 'export const a = new Date();', /uses new Date\(\)/],
  ['core/domain/planted.ts', 'export const a = globalThis.Math.random();', /uses Math\.random/],
  // what cannot be judged is not clean
  ['elsewhere/planted.ts', 'export const a = 1;', /no layer speaks of/],
  ['core/base/planted.ts', 'import { from;', /planted\.ts cannot be parsed/],
];

describe('check-layers', () => {
  test('a tree that keeps the rules is clean, and says how much was read', () => {
    expect(check()).toEqual({ status: 0, output: `1 imports in ${TARGETS.length + 1} files, 0 violations\n` });
  });

  test.each(PLANTED)('finds what is planted in %s: %s', (file, text, expected) => {
    write('core/base/through.ts', "import 'node:crypto';\n");
    write(file, text);
    const { status, output } = check();
    expect(output).toMatch(expected);
    expect(output).toContain(' 1 violations');
    expect(status).toBe(1);
  });

  test.each([
    ['core/repository/fine.ts', "import { value } from '../storage/port.ts';\nvalue;"],
    [
      'core/repository/fine.test.ts',
      "import { test } from 'vitest';\nimport '../../tests/support/postgres.ts';\nimport '../storage/testing/faulty-store.ts';\ntest;",
    ],
    ['core/domain/fine.ts', 'export const a = new Date(5); // Date.now() in a comment, and "process.env" in a text'],
    ['core/base/fine.ts', 'export const a = "import \'../../server/env.ts\'";'],
    ['core/base/clock.ts', 'export const value = Date.now();'],
    ['server/env.ts', 'export const value = process.env;'],
    [
      'app/fine.client.tsx',
      "import { value } from '../core/domain/policy.ts';\nimport type { Shape } from '../server/env.ts';\nexport const shape: Shape = value;\nexport const mode = process.env.NODE_ENV;",
    ],
    [
      'tools/fine.ts',
      "export const program = new URL('../gateway/main.ts', import.meta.url);\nexport const a = process.env.PATH;",
    ],
    ['workers/fine.ts', "import type { Shape } from '../server/db/generated/client.ts';\nexport type A = Shape;"],
    ['tests/system/fine.test.ts', "import '../../gateway/main.ts';\nimport '../../agent/main.ts';"],
  ])('lets pass what is allowed: %s', (file, text) => {
    write(file, text);
    expect(check()).toMatchObject({ status: 0, output: expect.stringContaining(' 0 violations') });
  });

  test('a folder without one source file is a failure, not a success', () => {
    const empty = mkdtempSync(path.join(tmpdir(), 'holdfast-layers-empty-'));
    try {
      expect(check(empty)).toMatchObject({ status: 1, output: expect.stringContaining('no source file was found') });
      writeFileSync(path.join(empty, 'next.config.ts'), 'export default 1;');
      expect(check(empty)).toMatchObject({ status: 1, output: expect.stringContaining('not one import was read') });
    } finally {
      rmSync(empty, { recursive: true, force: true });
    }
  });

  test('in a git checkout new files are read and ignored ones are not', () => {
    execFileSync('git', ['init', '-q'], { cwd: root });
    write('.gitignore', 'made/\n');
    write('core/base/made/planted.ts', "import '../../../server/env.ts';");
    expect(check()).toMatchObject({ status: 0 });
    write('core/base/new/planted.ts', "import '../../../server/env.ts';");
    expect(check()).toMatchObject({ status: 1, output: expect.stringContaining('core/base/new/planted.ts:1') });
  });

  test('a violation planted into this very checkout is found', () => {
    const folder = path.join(CHECKOUT, 'core/base/planted-by-test');
    mkdirSync(folder, { recursive: true });
    try {
      writeFileSync(path.join(folder, 'planted.ts'), "import type {} from '../../../server/env.ts';\n");
      const { status, output } = check(CHECKOUT);
      expect(output).toContain('core/base/planted-by-test/planted.ts:1: core/base may not import server/env');
      expect(status).toBe(1);
      expect(Number(/(\d+) imports in/.exec(output)?.[1])).toBeGreaterThan(500);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
