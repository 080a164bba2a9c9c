import { defineConfig } from '@playwright/test';

// The configuration is read by the runner and again by each of its workers, which inherit what the runner sets.
process.env.HOLDFAST_E2E_PORT ??= String(20_000 + (process.pid % 10_000));
process.env.HOLDFAST_E2E_GATEWAY_PORT ??= String(30_000 + (process.pid % 10_000));

/** Chromium fetches lists and updates in the background, which costs seconds and does nothing for a test. */
const QUIET = [
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--disable-quic',
];

const MANY_DEVICES = '**/fleet-list.spec.ts';

export default defineConfig({
  testDir: 'tests/e2e',
  // One service with real backups behind it, made by `npm start` before the first test.
  globalSetup: './tests/support/e2e-service.ts',
  forbidOnly: true,
  retries: 0,
  workers: 1,
  // For what hangs: what is merely slow, on a machine that does other things as well, is no defect.
  timeout: 480_000,
  expect: { timeout: 45_000 },
  outputDir: 'test-results',
  use: {
    // A click on what never comes names it after this time; without, the whole test hangs until its deadline.
    actionTimeout: 90_000,
    navigationTimeout: 180_000,
    baseURL: `http://127.0.0.1:${process.env.HOLDFAST_E2E_PORT}`,
    // A profile of the browser is opened once and emptied after each test: to open and close one takes a processor seconds.
    reuseContext: true,
    // Recording takes a fourth of the whole run. To see how a test failed, run it again with --trace on.
    trace: 'off',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', ...QUIET],
    },
  },
  // One after the other: the made-up provider with many devices comes last, for the service works on its rows from then on.
  projects: [
    { name: 'chromium', testIgnore: MANY_DEVICES, use: { browserName: 'chromium' } },
    { name: 'many devices', testMatch: MANY_DEVICES, use: { browserName: 'chromium' } },
  ],
});
