import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { manualClock } from '../../core/base/clock.ts';
import { newId } from '../../core/base/ids.ts';
import { silentLog } from '../../core/base/log.ts';
import { type PolicyDocument, policyDocument } from '../../core/domain/policy.ts';
import type { AgentCommand, HeartbeatResponse, RunStartRequest } from '../../core/protocol/messages.ts';
import { inventoryRequest } from '../../core/protocol/inventory.ts';
import { HEADER } from '../../core/protocol/signed-request.ts';
import { GatewayClient } from '../gateway/gateway-client.ts';
import { loadState } from '../state/agent-state.ts';
import type { Identity } from '../state/identity.ts';
import { runDaemon } from './daemon.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const T = Date.UTC(2026, 10, 20, 12);

const { privateKey } = generateKeyPairSync('ed25519', {
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});

let folder: string;
let server: Server;
/** What the service is asked to begin, and when by the daemon's clock. */
let begun: { readonly atMs: number; readonly request: RunStartRequest }[];
let clock: ReturnType<typeof manualClock>;
let stop: AbortController;
/** What the service answers: set by each test. */
let heartbeat: () => Partial<HeartbeatResponse>;
/** When a restore test asked for its first objects. */
let reads: number[];
/** Requests that have arrived, or are arriving, and have no answer yet. One that never gets any is not among them. */
let unanswered: number;
let refusal: { status: number; code: string };
/** The gateway's revision of the protocol; null: it says none. */
let revision: string | null;
/** When the machine told what it holds, and how the service answers that. */
let inventories: number[];
let inventoryStatus: number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-daemon-'));
  begun = [];
  reads = [];
  unanswered = 0;
  clock = manualClock(T);
  stop = new AbortController();
  refusal = { status: 403, code: 'forbidden' };
  revision = null;
  inventories = [];
  inventoryStatus = 200;
  server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    const isHeld = request.url === '/agent/v1/reads';
    if (!isHeld) {
      unanswered += 1;
      response.once('close', () => {
        unanswered -= 1;
      });
    }
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const answer = (status: number, body: unknown): void => {
        const known = revision === null ? {} : { [HEADER.revision]: revision };
        response.writeHead(status, { 'content-type': 'application/json', ...known }).end(JSON.stringify(body));
      };
      if (request.url === '/agent/v1/heartbeat')
        return answer(200, { serverTimeMs: clock.nowMs(), nextInSeconds: 60, due: null, commands: [], ...heartbeat() });
      if (request.url === '/agent/v1/inventory') {
        inventoryRequest.parse(JSON.parse(Buffer.concat(pieces).toString()));
        inventories.push(clock.nowMs());
        const error = { code: 'bad_request', message: 'No.', action: 'stop', serverTimeMs: clock.nowMs() };
        return answer(inventoryStatus, inventoryStatus === 200 ? {} : { error });
      }
      if (request.url === '/agent/v1/runs') {
        begun.push({ atMs: clock.nowMs(), request: JSON.parse(Buffer.concat(pieces).toString()) as RunStartRequest });
        const { status, code } = refusal;
        return answer(status, {
          error: { code, message: 'Not now.', action: 'ask_provider', serverTimeMs: clock.nowMs() },
        });
      }
      // A restore that takes its time: it never gets what it reads.
      if (isHeld) return void reads.push(clock.nowMs());
      answer(200, {});
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

const policyWith = (over: Partial<Record<keyof PolicyDocument, unknown>>): PolicyDocument =>
  policyDocument.parse({
    paths: ['/srv'],
    schedule: { everyMinutes: 1440, windowMinutes: 240 },
    rpoMinutes: 1440,
    rtoMinutes: 240,
    drill: { level: 3, everyHours: 24, sampleFiles: 5 },
    ...over,
  });
const dueAt = (dueMs: number) => ({ occurrenceId: newId(), sourceId: newId(), dueMs });

/** What the daemon asks of the disk and of the network, as Node names it while it is under way. */
const UNDER_WAY = /^(FSReq|TCPConnect|GetAddrInfo)/;

/** Work that was begun gets its turn before time goes on, however busy the machine is. */
async function untilAtRest(): Promise<void> {
  for (let looks = 0; looks < 3; looks += 1) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (unanswered > 0 || process.getActiveResourcesInfo().some((name) => UNDER_WAY.test(name))) looks = 0;
  }
}

/** Runs until the clock, which moves by the daemon's waits alone, has passed this time. */
async function runUntil(untilMs: number): Promise<void> {
  const serverUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const identity: Identity = {
    version: 1,
    serverUrl,
    tenantId: newId(),
    customerId: newId(),
    customerName: 'Customer',
    deviceId: newId(),
    deviceName: 'device',
    vaultId: newId(),
    repositoryId: '0'.repeat(64),
    custody: 'escrowed',
    source: { id: newId(), name: 'Files', kind: 'files' },
    privateKey,
    repositoryPassword: 'x',
    enrolledMs: T,
  };
  const client = new GatewayClient({
    serverUrl,
    device: identity,
    log: silentLog,
    clock,
    waiting: {
      random: () => 0.5,
      sleep: async (ms) => {
        await untilAtRest();
        clock.advance(ms);
        if (clock.nowMs() > untilMs) stop.abort();
      },
    },
  });
  try {
    await runDaemon({ statePath: folder, identity, client, log: silentLog, signal: stop.signal });
  } finally {
    client.close();
  }
}

test('a failed backup is tried again after the policy’s waits, and then given up', async () => {
  const due = dueAt(T);
  const policy = policyWith({ schedule: { everyMinutes: 1440, windowMinutes: 240, retryMinutes: [10, 30] } });
  heartbeat = () => ({ policy: { version: 1, document: policy }, ...(begun.length === 0 ? { due } : {}) });
  await runUntil(T + 2 * HOUR);
  const waits = begun.slice(1).map(({ atMs }, at) => (atMs - begun[at]!.atMs) / MINUTE);
  expect(waits).toHaveLength(2);
  expect(waits[0]).toBeGreaterThanOrEqual(10);
  expect(waits[0]).toBeLessThan(15);
  expect(waits[1]).toBeGreaterThanOrEqual(30);
  expect(waits[1]).toBeLessThan(35);
  expect((await loadState(folder)).openDue).toBeNull();
});

test('no try begins after the window, and a restart of the daemon does not shorten a wait', async () => {
  const due = dueAt(T);
  const policy = policyWith({ schedule: { everyMinutes: 1440, windowMinutes: 60, retryMinutes: [25, 25, 25] } });
  heartbeat = () => ({ policy: { version: 1, document: policy }, ...(begun.length === 0 ? { due } : {}) });
  await runUntil(T + 5 * MINUTE);
  expect(begun).toHaveLength(1);
  stop = new AbortController();
  await runUntil(T + 3 * HOUR);
  expect(begun.length).toBeGreaterThanOrEqual(2);
  expect(begun[1]!.atMs - begun[0]!.atMs).toBeGreaterThanOrEqual(25 * MINUTE);
  expect(begun.at(-1)!.atMs).toBeLessThan(T + 60 * MINUTE);
});

test('after three days of sleep one backup alone catches up, for the newest that was missed', async () => {
  const days = [dueAt(T), dueAt(T + 24 * HOUR), dueAt(T + 48 * HOUR), dueAt(T + 72 * HOUR)];
  const policy = policyWith({});
  heartbeat = () => ({ policy: { version: 1, document: policy }, due: null });
  await runUntil(T - MINUTE + 2 * MINUTE);
  // The lid was closed; the service offers the newest, as it does, until a run of it is over.
  clock.set(T + 78 * HOUR);
  stop = new AbortController();
  // Gone by the time it begins: the shortest way to an occurrence that is done with.
  refusal = { status: 404, code: 'not_found' };
  heartbeat = () => ({ due: begun.length === 0 ? days.at(-1)! : null });
  await runUntil(T + 80 * HOUR);
  expect(begun.map(({ request }) => request.occurrenceId)).toEqual([days.at(-1)!.occurrenceId]);
});

test('a pause holds back what is due, not what a person orders, and ends by itself', async () => {
  const due = dueAt(T);
  const command: AgentCommand = { id: newId(), kind: 'backup_now' };
  const policy = policyWith({
    pausedUntilMs: T + 3 * HOUR,
    schedule: { everyMinutes: 1440, windowMinutes: 60, retryMinutes: [] },
  });
  let beats = 0;
  heartbeat = () => ({
    policy: { version: 1, document: policy },
    due: clock.nowMs() < T + HOUR ? due : null,
    commands: ++beats === 10 ? [command] : [],
  });
  await runUntil(T + 4 * HOUR);
  expect(begun.map(({ request }) => request.trigger)).toEqual(['command', 'schedule']);
  expect(begun[0]!.atMs).toBeLessThan(T + HOUR);
  expect(begun[1]!.atMs).toBeGreaterThanOrEqual(T + 3 * HOUR);
});

test('a restore test makes room for a backup that becomes due, and is made from its beginning afterwards', async () => {
  const drill: AgentCommand = {
    id: newId(),
    kind: 'drill',
    drillId: newId(),
    grantId: newId(),
    snapshotId: 'a'.repeat(64),
    paths: ['/srv/a'],
  };
  const due = dueAt(T + 3 * MINUTE);
  const policy = { version: 1, document: policyWith({}) };
  heartbeat = () => ({ policy, commands: [drill], due: clock.nowMs() >= due.dueMs && begun.length === 0 ? due : null });
  refusal = { status: 404, code: 'not_found' };
  await runUntil(T + 10 * MINUTE);
  expect(reads[0]).toBeLessThan(due.dueMs);
  expect(begun[0]).toMatchObject({ request: { trigger: 'schedule', occurrenceId: due.occurrenceId } });
  // It had not ended: it began again when there was nothing else to do.
  expect(reads.some((atMs) => atMs > begun[0]!.atMs)).toBe(true);
  expect((await loadState(folder)).openCommands).toMatchObject([{ command: { id: drill.id } }]);
});

test('what the machine holds is told at the start and every six hours, and never to a service that does not know of it', async () => {
  heartbeat = () => ({});
  await runUntil(T + 3 * HOUR);
  expect(inventories).toEqual([]);
  revision = '2';
  stop = new AbortController();
  const startMs = clock.nowMs();
  await runUntil(startMs + 13 * HOUR);
  expect(inventories).toHaveLength(3);
  expect(inventories[0]! - startMs).toBeLessThan(2 * MINUTE);
  for (const at of [1, 2]) {
    const waitMs = inventories[at]! - inventories[at - 1]!;
    expect(waitMs).toBeGreaterThanOrEqual(6 * HOUR);
    expect(waitMs).toBeLessThan(6 * HOUR + 3 * MINUTE);
  }
});

test('a service that refuses what the machine holds is still obeyed, and told again half an hour later', async () => {
  revision = '2';
  inventoryStatus = 400;
  const due = dueAt(T + 10 * MINUTE);
  heartbeat = () => ({
    policy: { version: 1, document: policyWith({}) },
    due: clock.nowMs() >= due.dueMs && begun.length === 0 ? due : null,
  });
  refusal = { status: 404, code: 'not_found' };
  await runUntil(T + 70 * MINUTE);
  expect(begun).toHaveLength(1);
  expect(begun[0]!.atMs - due.dueMs).toBeLessThan(3 * MINUTE);
  expect(inventories.length).toBeGreaterThanOrEqual(2);
  expect(inventories.length).toBeLessThanOrEqual(3);
});
