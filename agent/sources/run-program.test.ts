/** Programs of the machine: what they may know, and that their end is looked at. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DEFAULT_SEARCH_PATH } from './find-program.ts';
import { type ProgramCall, runProgram, startProgram } from './run-program.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-program-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function shell(script: string, more: Partial<ProgramCall> = {}): ProgramCall {
  return {
    program: '/bin/sh',
    args: ['-c', script],
    searchPath: DEFAULT_SEARCH_PATH,
    timeLimitMs: 30_000,
    title: 'The test',
    ...more,
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A child of a process that is gone stays a name until somebody looks at its end.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function untilGone(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 100 && isAlive(pid); tries++) await new Promise((resolve) => setTimeout(resolve, 100));
  return !isAlive(pid);
}

test('gives back what the program wrote, and what it was told by its input', async () => {
  expect(await runProgram(shell('cat; echo end'), 'beginning ')).toBe('beginning end\n');
});

test('knows nothing of the agent’s environment', async () => {
  process.env.HOLDFAST_TEST_SECRET = 'not to be seen';
  try {
    const seen = await runProgram(shell('env', { env: { ITS: 'own' } }));
    expect(seen).toContain('ITS=own');
    expect(seen).not.toContain('not to be seen');
  } finally {
    delete process.env.HOLDFAST_TEST_SECRET;
  }
});

test('arguments are no shell text', async () => {
  const words = ['$HOME', '`id`', '; exit 3', 'a  b'];
  expect(await runProgram(shell('', { program: '/usr/bin/printf', args: ['%s\n', ...words] }))).toBe(
    `${words.join('\n')}\n`,
  );
});

test('an exit code is a failure, with the end of what the program said and no more', async () => {
  const said = await runProgram(
    shell('yes chatter | head -c 100000 >&2; printf "bad\\033[31mthing" >&2; echo data; exit 3'),
  ).catch((error: unknown) => String(error));
  expect(said).toContain('The test failed with exit code 3');
  expect(said).toMatch(/bad \[31mthing$/);
  expect(said.length).toBeLessThan(800);
});

test('a signal is a failure', async () => {
  await expect(runProgram(shell('kill -KILL $$'))).rejects.toThrow('was ended by SIGKILL');
});

test('a program that is not there is named', async () => {
  await expect(runProgram(shell('', { program: '/no/such/program' }))).rejects.toMatchObject({
    code: 'service_missing',
  });
});

test('after its time limit it ends, with everything that it started, even what ignores the polite signal', async () => {
  const running = startProgram(
    shell(`trap '' TERM; (trap '' TERM; echo $$ ; sh -c 'echo $PPID'; sleep 60; sleep 60) & wait; sleep 60`, {
      timeLimitMs: 400,
    }),
  );
  let text = '';
  for await (const piece of running.output) text += Buffer.from(piece).toString();
  await expect(running.done).rejects.toThrow('time limit of 400 ms');
  const pids = text.trim().split('\n').map(Number);
  expect(pids).toHaveLength(2);
  for (const pid of pids) expect([pid, await untilGone(pid)]).toEqual([pid, true]);
});

test('a stop ends it, and is no failure of the program', async () => {
  const stop = new AbortController();
  const running = startProgram(shell('echo begun; sleep 60', { signal: stop.signal }));
  for await (const _ of running.output) stop.abort();
  await expect(running.done).rejects.toMatchObject({ code: 'cancelled' });
});

test('whoever stops reading ends the program', async () => {
  const running = startProgram(shell('yes'));
  for await (const _ of running.output) break;
  await expect(running.done).rejects.toThrow('SIGTERM');
});

test('what a hook leaves running does not hold the backup, and goes on; what a source leaves running is a failure', async () => {
  const pidFile = join(folder, 'pid');
  const script = `sleep 60 & echo $! > ${pidFile}; echo done`;
  expect(await runProgram(shell(script, { mayLeaveRunning: true }))).toBe('done\n');
  const left = Number(readFileSync(pidFile, 'utf8'));
  expect(isAlive(left)).toBe(true);
  process.kill(left, 'SIGKILL');
  await expect(runProgram(shell(script))).rejects.toThrow('left a program behind');
  expect(await untilGone(Number(readFileSync(pidFile, 'utf8')))).toBe(true);
});
