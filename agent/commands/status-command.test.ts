import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newId } from '../../core/base/ids.ts';
import { policyDocument } from '../../core/domain/policy.ts';
import type { CommandIo } from '../command-io.ts';
import { type AgentState, emptyState, saveState } from '../state/agent-state.ts';
import { type Identity, saveIdentity } from '../state/identity.ts';
import { nextBackup, statusCommand } from './status-command.ts';

const HOUR = 3_600_000;
const { privateKey } = generateKeyPairSync('ed25519', {
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
const identity: Identity = {
  version: 1,
  // A port that nobody listens on: the service does not answer.
  serverUrl: 'http://127.0.0.1:1',
  tenantId: newId(),
  customerId: newId(),
  customerName: 'Bakery',
  deviceId: newId(),
  deviceName: 'till',
  vaultId: newId(),
  repositoryId: '0'.repeat(64),
  custody: 'escrowed',
  source: { id: newId(), name: 'Files', kind: 'files' },
  privateKey,
  repositoryPassword: 'a-secret-password',
  enrolledMs: 0,
};
const policy = policyDocument.parse({
  paths: ['/srv'],
  schedule: { cron: ['0 22 * * mon-fri'], timeZone: 'Europe/Berlin', windowMinutes: 120 },
  rpoMinutes: 1440,
  rtoMinutes: 240,
  drill: { level: 3, everyHours: 24, sampleFiles: 5 },
  limits: { rules: [{ from: '00:00', until: '00:00', upBytesPerSecond: 1_000_000, downBytesPerSecond: null }] },
});

let folder: string;
let lines: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-status-'));
  lines = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const io = (): CommandIo => ({
  out: (line) => void lines.push(line),
  err: () => undefined,
  progress: undefined,
  signal: new AbortController().signal,
  readInput: async () => '',
  env: {
    statePath: folder,
    cachePath: '/nowhere',
    logLevel: 'silent',
    searchPath: undefined,
    enrolmentToken: undefined,
    proxyEnv: {},
  },
});
const stateWith = (over: Partial<AgentState>): AgentState => ({ ...emptyState, policy, policyVersion: 3, ...over });

async function prepare(pausedUntilMs: number): Promise<void> {
  await saveIdentity(folder, identity);
  await saveState(
    folder,
    stateWith({
      policy: { ...policy, pausedUntilMs },
      lastRun: {
        runId: newId(),
        startedMs: 1,
        finishedMs: 2,
        result: 'partial',
        snapshotId: null,
        message: 'Sealed.',
        unreadCount: 7,
      },
      unsentResults: [{ id: newId(), result: { state: 'done', message: '' } }],
    }),
  );
  mkdirSync(join(folder, 'cache', 'index'), { recursive: true });
  writeFileSync(join(folder, 'cache', 'index', 'x'), Buffer.alloc(5000));
}

test('status tells a program all that the machine knows of itself, without a service and without a secret', async () => {
  const pausedUntilMs = Date.now() + 2 * HOUR;
  await prepare(pausedUntilMs);
  expect(await statusCommand(['--json'], io())).toBe(1);
  const status = JSON.parse(lines.join('')) as Record<string, unknown>;
  expect(status).toMatchObject({
    device: { id: identity.deviceId, vault: identity.vaultId },
    server: { isReachable: false },
    policyVersion: 3,
    lastRun: { result: 'partial', unreadCount: 7 },
    pausedUntilMs,
    limitInForce: { upBytesPerSecond: 1_000_000, downBytesPerSecond: null },
    unsentResults: 1,
    cacheBytes: 5000,
    versions: { agent: expect.any(String), protocol: expect.any(Number) },
  });
  expect(status.nextDueMs).toBeGreaterThanOrEqual(pausedUntilMs);
  expect(lines.join('')).not.toContain('secret');
  expect(lines.join('')).not.toContain('PRIVATE');
});
test('status tells a person the same in words', async () => {
  await prepare(Date.now() + 2 * HOUR);
  await statusCommand([], io());
  const text = lines.join('\n');
  for (const part of ['till of Bakery', 'version 3', 'partial (7 items not read)', 'paused until then', 'Paused'])
    expect(text).toContain(part);
  for (const part of ['at 22:00 on Mon to Fri (Europe/Berlin)', 'at most 1 MB/s up', '1 result waits', '4.9 KiB'])
    expect(text).toContain(part);
});
test('the next backup is when the daemon’s own rule says, with its reason', () => {
  const nowMs = Date.UTC(2026, 10, 20, 12);
  const openDue = { occurrenceId: newId(), sourceId: newId(), dueMs: nowMs - 600_000 };
  expect(nextBackup(identity, stateWith({ openDue }), nowMs)).toEqual({
    nextDueMs: openDue.dueMs,
    nextWhy: 'its time has come',
  });
  const dueTries = [{ startedMs: nowMs - 500_000, failedMs: nowMs - 60_000 }];
  expect(nextBackup(identity, stateWith({ openDue, dueTries }), nowMs)).toMatchObject({
    nextDueMs: nowMs - 60_000 + 600_000,
    nextWhy: expect.stringMatching(/tried again/),
  });
  const { nextDueMs } = nextBackup(identity, stateWith({}), nowMs);
  expect(nextDueMs).toBeGreaterThanOrEqual(Date.UTC(2026, 10, 20, 21));
  expect(nextDueMs).toBeLessThan(Date.UTC(2026, 10, 20, 22));
  expect(nextBackup(undefined, emptyState, nowMs)).toEqual({ nextDueMs: null, nextWhy: null });
});
