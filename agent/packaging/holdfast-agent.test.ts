import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const text = readFileSync(new URL('holdfast-agent.service', import.meta.url), 'utf8');
const settings = text
  .split('\n')
  .filter((line) => /^[A-Z]\w*=/.test(line))
  .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const);

test('the unit starts the daemon on the state that root enrols into', () => {
  const [program, ...args] = settings.find(([name]) => name === 'ExecStart')![1].split(' ');
  expect(program).toMatch(/\/bin\/holdfast$/);
  expect(args).toEqual(['run', '--state', '/var/lib/holdfast']);
  expect(settings).toContainEqual(['StateDirectory', 'holdfast']);
});
test('the unit hides nothing of the machine from the backup, and keeps the right to read all of it', () => {
  const hiding = ['PrivateTmp', 'ProtectHome', 'PrivateDevices', 'InaccessiblePaths', 'TemporaryFileSystem', 'User'];
  hiding.push('DynamicUser', 'PrivateUsers', 'ProtectProc', 'RootDirectory', 'PrivateMounts', 'PrivateNetwork');
  expect(settings.filter(([name]) => hiding.includes(name))).toEqual([]);
  expect(settings.find(([name]) => name === 'CapabilityBoundingSet')?.[1]).toContain('CAP_DAC_READ_SEARCH');
  // Node makes code as it runs.
  expect(settings.map(([name]) => name)).not.toContain('MemoryDenyWriteExecute');
});

const hasSetpriv = process.getuid?.() === 0 && spawnSync('setpriv', ['--version']).status === 0;
test.runIf(hasSetpriv)('with what the unit leaves to root, the agent starts and ends programs as another user', () => {
  const kept = settings
    .find(([name]) => name === 'CapabilityBoundingSet')![1]
    .toLowerCase()
    .split(' ');
  const bounds = ['-all', ...kept.map((name) => name.replace('cap_', '+'))].join(',');
  const script = `
    const { startProgram } = await import('${new URL('../sources/run-program.ts', import.meta.url).href}');
    const running = startProgram({
      program: '/bin/sh', args: ['-c', 'id -u; trap "" TERM; sleep 60; sleep 60'], searchPath: '/usr/bin:/bin',
      user: { uid: 65534, gid: 65534, home: '/' }, timeLimitMs: 30000, title: 'The test' });
    let text = '';
    for await (const piece of running.output) { text += Buffer.from(piece).toString(); running.stop(); }
    console.log(text.trim(), await running.done.catch((error) => error.message));`;
  const args = ['--bounding-set', bounds, process.execPath, '--input-type=module', '-e', script];
  expect(execFileSync('setpriv', args, { encoding: 'utf8' }).trim()).toMatch(/^65534 The test was ended by SIG/);
});

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;
test.runIf(hasSystemd)('systemd takes every line of the unit', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-unit-'));
  try {
    const path = join(folder, 'holdfast-agent.service');
    // It looks for the program too: any that exists will do.
    writeFileSync(path, text.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`));
    const said = execFileSync('sh', ['-c', 'systemd-analyze verify "$1" 2>&1', 'sh', path], { encoding: 'utf8' });
    expect(said).not.toMatch(/holdfast-agent\.service/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
