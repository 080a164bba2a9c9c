/** Scripts of owners in the real sandbox: what they say counts, and what they try beyond it comes to nothing. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../../core/base/log.ts';
import { scriptTest } from '../../../core/domain/system-tests.ts';
import { systemResult } from '../messages.ts';
import { runInSandbox } from '../run-in-sandbox.ts';

let folder: string;
let restored: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'holdfast-script-'));
  restored = path.join(folder, 'restored');
  mkdirSync(path.join(restored, 'srv'), { recursive: true });
  writeFileSync(path.join(restored, 'srv/orders.csv'), 'id,total\n1,20\n2,30\n', { mode: 0o444 });
  chmodSync(folder, 0o755);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(text: string, withinSeconds = 60, withLoopback = false) {
  const scratchPath = path.join(folder, `scratch-${Math.random().toString(36).slice(2)}`);
  mkdirSync(scratchPath, { mode: 0o700 });
  const end = await runInSandbox({
    task: { kind: 'script', script: scriptTest.parse({ name: 'orders', text, withinSeconds }), restored },
    scratchPath,
    wallClockMs: 90_000,
    outputBytesMax: 16 * 1024 * 1024,
    log: silentLog,
    confinement: { withPrograms: true, withLoopback, readable: [restored], cpuSeconds: 60 },
    needs: ['own-files', 'no-network'],
  });
  if (end.kind !== 'result') throw new Error(JSON.stringify(end));
  return systemResult.parse(end.value).checks[0]!;
}

test('reads what was restored, has room of its own, and passes by its exit code', async () => {
  const check = await run(`
    grep -q '^2,30$' "$HOLDFAST_RESTORED/srv/orders.csv" || exit 1
    wc -l < "$HOLDFAST_RESTORED/srv/orders.csv" > "$HOLDFAST_SCRATCH/lines" && cat lines
    echo to the other side >&2`);
  expect(check).toMatchObject({
    kind: 'script',
    state: 'passed',
    actual: 'exit code 0',
    output: '3\nto the other side',
  });
  expect(check.subject).toMatch(/[0-9a-f]{64}$/);
});
test('fails by its exit code, with its last words', async () => {
  const check = await run('echo checking; echo "order 3 is missing" >&2; exit 4');
  expect(check).toMatchObject({ state: 'failed', actual: 'exit code 4' });
  expect(check.output).toBe(
    'The script “orders” says that the restored files do not work: exit code 4.\nchecking\norder 3 is missing',
  );
});
test('that does not end is ended, with all that it started, and what it printed is told', async () => {
  const check = await run('echo begun; sleep 600 & sleep 600', 2);
  expect(check).toMatchObject({ state: 'failed', actual: 'not done after 2 s' });
  expect(check.output).toContain('begun');
});
test('that ends itself by a signal has failed', async () => {
  expect(await run('kill -9 $$')).toMatchObject({ state: 'failed', actual: 'ended by SIGKILL' });
});
test('that prints without end has its last words kept, and no more', async () => {
  const check = await run('i=0; while [ $i -lt 30000 ]; do echo "line $i"; i=$((i + 1)); done');
  expect(check.state).toBe('passed');
  expect(check.output.length).toBeLessThanOrEqual(8000);
  expect(check.output).toContain('line 29999');
});
test('cannot change what was restored, nor anything outside of its folder', async () => {
  const check = await run(`
    for place in "$HOLDFAST_RESTORED/srv/orders.csv" "$HOLDFAST_RESTORED/new" /usr/new /etc/passwd; do
      if echo changed 2> /dev/null > "$place"; then echo "wrote $place"; fi
    done
    chmod -R 777 "$HOLDFAST_RESTORED" 2> /dev/null && echo "changed modes"
    ls ${JSON.stringify(import.meta.dirname)}/../../../package.json ${JSON.stringify(folder)}/scratch-* 2>&1 | grep -c "No such file"
    exit 0`);
  expect(check.output).not.toMatch(/wrote|changed modes/);
  expect(readFileSync(path.join(restored, 'srv/orders.csv'), 'utf8')).toContain('2,30');
  expect(existsSync(path.join(restored, 'new'))).toBe(false);
});
test('reaches no network, not even the one of this machine', async () => {
  let contacts = 0;
  const listener = createServer((socket) => {
    contacts++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as { port: number };
  try {
    const check = await run(`bash -c 'exec 3<>/dev/tcp/127.0.0.1/${port}' 2> /dev/null && echo got out; exit 0`);
    expect(check.output).toBe('It printed nothing.');
    expect(contacts).toBe(0);
  } finally {
    listener.close();
  }
});
test('where a port of a system is asked, the sandbox talks to itself, and still to nobody else', async () => {
  const ask = (place: string) =>
    `bash -c 'exec 3<>/dev/tcp/${place}' 2>&1 | grep -oE 'refused|unreachable' | head -1; `;
  const text = `${ask('127.0.0.1/20000')}${ask('192.0.2.1/80')}exit 0`;
  expect((await run(text, 60, true)).output).toBe('refused\nunreachable');
  expect((await run(text, 60, false)).output).toBe('unreachable\nunreachable');
});
