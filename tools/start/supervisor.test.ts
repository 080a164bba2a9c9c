import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { HoldfastError } from '../../core/base/errors.ts';
import { isSameProcess, type ProcessRecord } from '../services/process-identity.ts';
import { type ProgramSpec, startProgram } from '../services/program.ts';
import { ProcessLedger } from './process-ledger.ts';
import { Supervisor } from './supervisor.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'holdfast-supervisor-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A program that marks in a file when it is ready, and what it does on SIGTERM. */
function spec(name: string, script: string, settings: Partial<ProgramSpec> = {}): ProgramSpec {
  const ready = path.join(folder, `${name}.ready`);
  return {
    name,
    command: process.execPath,
    args: [
      '-e',
      `const fs = require('node:fs'); const order = ${JSON.stringify(path.join(folder, 'order'))}; const ready = () => fs.writeFileSync(${JSON.stringify(ready)}, ''); ${script}`,
    ],
    env: process.env,
    logPath: path.join(folder, `${name}.log`),
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 5000,
    readyTimeoutMs: 10_000,
    isReady: async () => existsSync(ready),
    ...settings,
  };
}

const STAYS = (name: string): string =>
  `setInterval(() => {}, 1000); process.on('SIGTERM', () => { fs.appendFileSync(order, '${name} '); process.exit(0); }); ready();`;

function supervisor(): { programs: Supervisor; said: string[]; hopeless: HoldfastError[]; ledger: ProcessLedger } {
  const said: string[] = [];
  const hopeless: HoldfastError[] = [];
  const ledger = new ProcessLedger(folder);
  const programs = new Supervisor({
    ledger,
    say: (sentence) => said.push(sentence),
    onHopeless: (error) => hopeless.push(error),
    restartWaitsMs: [1, 1, 1],
  });
  return { programs, said, hopeless, ledger };
}

test('programs stop one after the other in the order that is asked for', async () => {
  const { programs } = supervisor();
  for (const name of ['one', 'two', 'three']) await programs.start(spec(name, STAYS(name)));
  await programs.stop(['three', 'absent', 'one', 'two']);
  expect(readFileSync(path.join(folder, 'order'), 'utf8')).toBe('three one two ');
});

test('a program that ends by itself is started again, and its next instance can be stopped', async () => {
  const { programs, said } = supervisor();
  const once = path.join(folder, 'once');
  const script = `if (!fs.existsSync(${JSON.stringify(once)})) { fs.writeFileSync(${JSON.stringify(once)}, ''); ready(); setTimeout(() => process.exit(7), 100); } else { ${STAYS('second')} }`;
  await programs.start(spec('flaky', script));
  await vi.waitFor(() => expect(said).toHaveLength(1), 5000);
  expect(said[0]).toContain('The flaky ended with code 7; it is started again (1 of 3).');
  await vi.waitFor(() => expect(programs.isRunning('flaky')).toBe(true), 5000);
  // The signal handler is there once the script ran.
  await vi.waitFor(async () => {
    await programs.stop(['flaky']);
    expect(programs.isRunning('flaky')).toBe(false);
  }, 5000);
});

test('a program that does not stay up is given up after three restarts, with the end of its log', async () => {
  const { programs, said, hopeless } = supervisor();
  await programs.start(spec('broken', `ready(); console.log('the reason'); setTimeout(() => process.exit(3), 50);`));
  await vi.waitFor(() => expect(hopeless).toHaveLength(1), 15_000);
  expect(said).toHaveLength(3);
  expect(hopeless[0]?.message).toMatch(/The broken ended 4 times .*\nthe reason/s);
});

test('a program that ignores its signal is killed with everything it started', async () => {
  const { programs } = supervisor();
  const childPid = path.join(folder, 'child');
  const stubborn = `process.on('SIGTERM', () => {}); const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']); fs.writeFileSync(${JSON.stringify(childPid)}, String(child.pid)); setInterval(() => {}, 1000); ready();`;
  await programs.start(spec('stubborn', stubborn, { stopTimeoutMs: 200 }));
  await programs.stop(['stubborn']);
  const pid = Number(readFileSync(childPid, 'utf8'));
  await vi.waitFor(() => expect(isGone(pid)).toBe(true), 5000);
});

test('a program that ends while it starts is an error with the end of its log', async () => {
  await expect(startProgram(spec('dead', `console.error('no such luck'); process.exit(1);`))).rejects.toThrow(
    /dead ended while it started\..*no such luck/s,
  );
});

test('what a killed start left running is found and ended by the next one, and a stranger with an old id is left alone', async () => {
  const { programs } = supervisor();
  await programs.start(spec('leftover', STAYS('leftover')));
  const file = path.join(folder, 'processes.json');
  const records = JSON.parse(readFileSync(file, 'utf8')) as ProcessRecord[];
  const [record] = records;
  if (record === undefined) throw new Error('nothing was recorded');
  expect(isSameProcess({ ...record, pid: process.pid })).toBe(false);
  await programs.stop([]); // so that this supervisor does not start it again
  expect(await new ProcessLedger(folder).endLeftovers()).toEqual(['leftover']);
  expect(isSameProcess(record)).toBe(false);
  expect(await new ProcessLedger(folder).endLeftovers()).toEqual([]);
});

function isGone(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.includes(') Z ');
  } catch {
    return true;
  }
}
