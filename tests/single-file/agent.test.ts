import { childEnvironment } from '../../core/base/child-environment.ts';
import { execFile, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { noise } from '../../core/repository/testing/noise.ts';
import { buildAgent } from '../../tools/build-agent.mjs';
import { reachFrom } from '../../tools/build/find-threads.mjs';

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));
const INSTALL = path.join(CHECKOUT, 'agent/packaging/install.sh');
const PASSWORD = 'a password of the test';
const run = promisify(execFile);

let folder: string;
let agent: string;
let source: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'holdfast-single-'));
  // Alone: nothing of the checkout lies beside it.
  mkdirSync(path.join(folder, 'alone'));
  agent = path.join(folder, 'alone/holdfast-agent.mjs');
  writeFileSync(agent, await buildAgent('build of the test'));
  chmodSync(agent, 0o755);
  source = path.join(folder, 'source');
  mkdirSync(path.join(source, 'deep'), { recursive: true });
  // Enough for threads on both ways: a restore starts them from 32 MiB on.
  writeFileSync(
    path.join(source, 'large'),
    Buffer.concat([noise(40 * 1024 * 1024, 'single file'), Buffer.alloc(4e6, 'text ')]),
  );
  for (let at = 0; at < 300; at += 1) writeFileSync(path.join(source, `deep/file ${at}`), `file ${at} `.repeat(at));
  writeFileSync(path.join(folder, 'password'), PASSWORD);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Nothing of this shell's but its PATH. The cast: ProcessEnv is declared with members that only a web server has. */
const only = (own: Readonly<Record<string, string>>): NodeJS.ProcessEnv =>
  childEnvironment({ PATH: process.env.PATH ?? '', ...own });

const environment = (): NodeJS.ProcessEnv => only({ HOME: path.join(folder, 'home'), HOLDFAST_NODE: process.execPath });

function holdfast(...args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return run(agent, args, { env: environment(), cwd: folder, timeout: 110_000 });
}

const repo = (name: string, ...args: readonly string[]): Promise<{ stdout: string; stderr: string }> =>
  holdfast(
    'repo',
    name,
    '--repo',
    path.join(folder, 'repository'),
    '--password-file',
    path.join(folder, 'password'),
    ...args,
  );

const restic = (...args: readonly string[]): Promise<{ stdout: string; stderr: string }> =>
  run('restic', ['--no-cache', '-r', path.join(folder, 'repository'), ...args], {
    env: { ...process.env, RESTIC_PASSWORD: PASSWORD },
    timeout: 110_000,
  });

const differences = (other: string): string => spawnSync('diff', ['-r', source, other], { encoding: 'utf8' }).stdout;

describe('the agent as one file, alone in a folder', () => {
  test('backs up, checks and restores with its threads, and stock restic checks and restores the same', async () => {
    await repo('init');
    await repo('backup', source);
    expect((await repo('check', '--read-data')).stdout).toContain('No errors were found.');
    await repo('restore', '--target', path.join(folder, 'ours'), 'latest');
    expect(differences(path.join(folder, 'ours', source))).toBe('');
    expect((await restic('check', '--read-data')).stdout).toContain('no errors were found');
    await restic('restore', 'latest', '--target', path.join(folder, 'theirs'));
    expect(differences(path.join(folder, 'theirs', source))).toBe('');
    expect(readdirSync(path.dirname(agent))).toEqual(['holdfast-agent.mjs']);
  });

  test('says which build it is, and runs by a link and by Node itself as well', async () => {
    const said = 'holdfast 0.1.0 (build of the test)\n';
    expect((await holdfast('--version')).stdout).toBe(said);
    const link = path.join(folder, 'link');
    symlinkSync('alone/holdfast-agent.mjs', link);
    expect((await run(link, ['--version'], { env: environment() })).stdout).toBe(said);
    expect((await run(process.execPath, [agent, '--version'])).stdout).toBe(said);
  });

  test('an error shows names of functions: what is sent to the makers can be read', async () => {
    const state = path.join(folder, 'no-state');
    const failed = await holdfast('status', '--state', state).catch((error: { stderr: string }) => error);
    expect(failed.stderr).not.toMatch(/ERR_MODULE_NOT_FOUND|Cannot find/);
    expect(readFileSync(agent, 'utf8')).toMatch(
      /function runRepoCommand\b|runRepoCommand=|async function runRepoCommand/,
    );
  });

  test('keeps what Node compiled where only its owner writes', async () => {
    await holdfast('--version');
    const cache = path.join(folder, 'home/.cache/holdfast');
    if (!existsSync('/var/cache/holdfast')) {
      expect(readdirSync(cache).length).toBeGreaterThan(0);
      expect(statSync(cache).mode & 0o077).toBe(0);
    }
  });

  test('asks for a Node that is new enough', async () => {
    const without = only({ PATH: '/nowhere', HOLDFAST_NODE: '/nowhere/node', HOME: path.join(folder, 'home') });
    const missing = await run('/bin/sh', [agent, '--version'], { env: without }).catch((error: unknown) => error);
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringMatching(/^holdfast needs Node\.js 24 or newer/) });
    // Node as it is, but for what it says of itself: the check comes before anything that an older one lacks.
    const older = path.join(folder, 'older.mjs');
    writeFileSync(older, "Object.defineProperty(process, 'versions', { value: { node: '20.19.0' } });");
    const refused = await run(process.execPath, ['--import', older, agent, '--version']).catch(
      (error: unknown) => error,
    );
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^holdfast needs Node\.js 24 or newer; found: v/),
    });
  });
});

describe('the installation', () => {
  const install = (destination: string, ...args: readonly string[]) =>
    run('sh', [INSTALL, ...args], { env: { ...process.env, DESTDIR: destination } });

  test('puts the program, its command, its Node and the service in their places, twice as well as once', async () => {
    const destination = path.join(folder, 'installed');
    // A package by the name is enough: what it does is not the installation's.
    const modules = path.join(folder, 'node_modules');
    mkdirSync(path.join(modules, 'koffi'), { recursive: true });
    writeFileSync(path.join(modules, 'koffi/package.json'), '{"name":"koffi","main":"index.cjs"}');
    writeFileSync(path.join(modules, 'koffi/index.cjs'), 'module.exports = 7;');
    for (let time = 0; time < 2; time += 1) {
      const { stdout } = await install(destination, '--agent', agent, '--node', process.execPath, '--koffi', modules);
      expect(stdout).toContain('Installed holdfast 0.1.0 (build of the test)');
    }
    const at = (name: string): string => path.join(destination, name);
    expect(readlinkSync(at('usr/bin/holdfast'))).toBe('/opt/holdfast/bin/holdfast');
    const unit = readFileSync(at('etc/systemd/system/holdfast-agent.service'), 'utf8');
    const [program] = /^ExecStart=(\S+)/m.exec(unit)!.slice(1);
    // The very path that systemd will start, with the Node that was installed and nothing else on PATH.
    const said = await run(at(program!), ['--version'], { env: only({ PATH: '/usr/bin:/bin', HOME: folder }) });
    expect(said.stdout).toBe('holdfast 0.1.0 (build of the test)\n');
    expect(statSync(at('var/lib/holdfast')).mode & 0o777).toBe(0o700);
    expect(readdirSync(at('opt/holdfast/lib')).sort()).toEqual(['holdfast-agent.mjs', 'node', 'node_modules']);
    expect(createRequire(at('opt/holdfast/lib/holdfast-agent.mjs'))('koffi')).toBe(7);
  });

  test('changes nothing when the Node is too old, the agent is missing or does not run', async () => {
    const destination = path.join(folder, 'refused');
    const old = path.join(folder, 'older-node');
    writeFileSync(old, '#!/bin/sh\necho v20.1.0\n', { mode: 0o755 });
    const broken = path.join(folder, 'broken.mjs');
    copyFileSync(agent, broken);
    writeFileSync(broken, 'this is no program');
    for (const args of [
      ['--agent', agent, '--node', old],
      ['--agent', agent, '--node', process.execPath, '--koffi', path.join(folder, 'nowhere')],
      ['--agent', path.join(folder, 'nowhere'), '--node', process.execPath],
      ['--agent', broken, '--node', process.execPath],
      ['--colour'],
    ])
      await expect(install(destination, ...args), args.join(' ')).rejects.toMatchObject({ code: expect.any(Number) });
    expect(existsSync(destination)).toBe(false);
  });
});

test('the agent needs ten packages of npm at most, and the documents name them', () => {
  const { packages, files, threads } = reachFrom(CHECKOUT, 'agent/main.ts');
  expect(files.length).toBeGreaterThan(100);
  expect(threads).toContain('core/repository/backup/lane-worker.ts');
  expect(packages.length).toBeLessThanOrEqual(10);
  const { dependencies } = JSON.parse(readFileSync(path.join(CHECKOUT, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const readme = readFileSync(path.join(CHECKOUT, 'agent/README.md'), 'utf8');
  for (const name of packages) {
    expect(Object.keys(dependencies)).toContain(name);
    expect(readme).toContain(`\`${name}\``);
  }
});
