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

export default defineConfig({
  testDir: 'tests/e2e',
  // One service with real backups behind it, made by `npm start` before the first test.
  globalSetup: './tests/support/e2e-service.ts',
  forbidOnly: true,
  retries: 0,
  workers: 1,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  outputDir: 'test-results',
  use: {
    baseURL: `http://127.0.0.1:${process.env.HOLDFAST_E2E_PORT}`,
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', ...QUIET],
    },
  },
  projects: [{ name: 'chromium', use: { browserName: 'chromium' } }],
});
