import { defineConfig } from 'vitest/config';
import LongestFirst from './tools/test/longest-first.ts';

const EVERYWHERE_EXCLUDED = ['**/node_modules/**', '**/.next/**', '.holdfast*/**', 'tests/e2e/**'];
/** These suites talk to a real Postgres, one cluster per run. */
const DATABASE = [
  '**/*.db.test.ts',
  'tests/isolation/**/*.test.ts',
  'tests/faults/**/*.test.ts',
  'tests/red/**/*.test.ts',
];
/** These start the whole service; one at a time. */
const SYSTEM = ['tests/system/**/*.test.ts'];
/** These need the dependencies of the check and run for seconds. */
const TOOLS = ['tests/check/**/*.test.ts', 'tools/**/*.test.ts', 'tests/single-file/**/*.test.ts'];

/** Processes, not threads: the code under test starts worker threads of its own, and changes directories and umask. */
const pool = 'forks';

/**
 * Deadlines are for what hangs: what is merely slow, on a machine that does ten other things, is no defect. The slowest test
 * takes half a minute on a machine of its own.
 */
const DEADLINES = { testTimeout: 300_000, hookTimeout: 300_000 };

export default defineConfig({
  test: {
    maxWorkers: 2,
    pool,
    passWithNoTests: false,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['**/*.test.ts', '**/*.test.tsx'],
          exclude: [...EVERYWHERE_EXCLUDED, ...DATABASE, ...SYSTEM, ...TOOLS, '**/*.fuzz.test.ts'],
          ...DEADLINES,
        },
      },
      {
        extends: true,
        test: {
          name: 'fuzz',
          include: ['**/*.fuzz.test.ts'],
          exclude: EVERYWHERE_EXCLUDED,
          ...DEADLINES,
        },
      },
      {
        extends: true,
        test: {
          name: 'tools',
          include: TOOLS,
          exclude: [...EVERYWHERE_EXCLUDED, '**/*.db.test.ts'],
          ...DEADLINES,
        },
      },
      {
        extends: true,
        test: {
          name: 'db',
          include: DATABASE,
          exclude: EVERYWHERE_EXCLUDED,
          globalSetup: ['./tests/support/postgres-cluster.ts'],
          ...DEADLINES,
        },
      },
      {
        extends: true,
        test: {
          name: 'system',
          include: SYSTEM,
          exclude: EVERYWHERE_EXCLUDED,
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
