import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { loadIdentity } from '../../../agent/state/identity.ts';
import { ServiceStack } from '../../support/service-stack.ts';

const run = promisify(execFile);

let stack: ServiceStack;
beforeAll(async () => {
  stack = await ServiceStack.start();
});
afterAll(() => stack.close());

beforeEach(async () => {
  await rm(stack.protectPath, { recursive: true, force: true });
  await mkdir(join(stack.protectPath, 'letters'), { recursive: true });
  await writeFile(join(stack.protectPath, 'letters', 'one.txt'), 'Dear reader\n');
  await writeFile(join(stack.protectPath, 'letters', 'Åse & søn.txt'), 'Hello\n');
  await writeFile(join(stack.protectPath, 'data.raw'), randomBytes(3 * 1024 * 1024));
  await symlink('letters/one.txt', join(stack.protectPath, 'link'));
});

describe('a machine', () => {
  test('is enrolled, backed up, sealed and restored byte for byte, by commands alone', async () => {
    const statePath = await stack.enrolled();
    const backup = await stack.run(statePath, 'backup', '--json');
    expect(backup.stderr).toBe('');
    expect(backup.code).toBe(0);
    const report = JSON.parse(backup.stdout) as { snapshotId: string; result: string; selectedFiles: number };
    expect(report.result).toBe('ok');

    const listed = await stack.run(statePath, 'snapshots', '--json');
    expect(JSON.parse(listed.stdout)).toMatchObject({ snapshotId: report.snapshotId, state: 'sealed' });

    const target = join(stack.folder, 'restored');
    const restored = await stack.run(
      statePath,
      'restore',
      'latest',
      '--target',
      target,
      '--include',
      stack.protectPath,
    );
    expect(restored.stderr).toBe('');
    expect(restored.code).toBe(0);
    await run('diff', ['-r', '--no-dereference', stack.protectPath, join(target, stack.protectPath)]);

    const status = JSON.parse((await stack.run(statePath, 'status', '--json')).stdout) as Record<string, unknown>;
    expect(status).toMatchObject({
      server: { isReachable: true },
      lastRun: { result: 'ok', snapshotId: report.snapshotId },
      lastSealed: { snapshotId: report.snapshotId },
      protectedPaths: [stack.protectPath],
    });
  });

  test('restores parts by patterns, looks first, follows the rule for what is there, and reads back', async () => {
    const statePath = await stack.enrolled();
    expect((await stack.run(statePath, 'backup')).code).toBe(0);
    const target = join(stack.folder, 'restored-parts');
    const restore = (...args: string[]) => stack.run(statePath, 'restore', 'latest', '--target', target, ...args);
    const looked = await restore('--include', '*.txt', '--exclude', 'one.*', '--dry-run');
    expect(looked).toMatchObject({ code: 0, stderr: '' });
    expect(looked.stdout).toContain(`restore  ${stack.protectPath}/letters/Åse & søn.txt\n`);
    await expect(stat(target)).rejects.toThrow('ENOENT');

    const letters = join(target, stack.protectPath, 'letters');
    const parts = await restore(
      '--include',
      '*.txt',
      '--exclude',
      'one.*',
      '--exclude',
      'canary',
      '--verify',
      '--json',
    );
    expect(JSON.parse(parts.stdout)).toMatchObject({ filesRestored: 1, filesVerified: 1, damaged: [] });
    expect(await readdir(letters)).toEqual(['Åse & søn.txt']);

    await writeFile(join(letters, 'one.txt'), 'mine');
    const kept = await restore('--include', stack.protectPath, '--json');
    expect(kept.code).toBe(3);
    expect(JSON.parse(kept.stdout)).toMatchObject({ unchanged: 1, skipped: [`${stack.protectPath}/letters/one.txt`] });
    expect((await restore('--include', stack.protectPath, '--overwrite', 'if-changed')).code).toBe(0);
    await run('diff', ['-r', '--no-dereference', stack.protectPath, join(target, stack.protectPath)]);
    expect((await restore('--overwrite', 'perhaps')).code).toBe(2);
    // The service heard of each how it ended; a look and a command that was refused are no restores.
    const { deviceId } = await loadIdentity(statePath);
    const told = await stack.sql(
      `SELECT state, asker, bytes::int AS bytes, first_byte_at <= ended_at AS is_first, reason FROM restore_request
       WHERE device_id = $1 ORDER BY requested_at`,
      [deviceId],
    );
    expect(told).toMatchObject([
      { state: 'delivered', asker: 'machine', bytes: 6, is_first: true, reason: null },
      { state: 'failed', reason: expect.stringContaining('kept as they were') },
      { state: 'delivered', reason: null },
    ]);
  }, 180_000);

  test('keeps its secrets to itself: folders 0700, files 0600, none of them in the backup', async () => {
    const statePath = await stack.enrolled();
    await mkdir(join(stack.protectPath, 'inside'));
    await run('cp', ['-a', statePath, join(stack.protectPath, 'inside', 'state')]);
    const inside = join(stack.protectPath, 'inside', 'state');
    expect((await stack.run(inside, 'backup')).code).toBe(0);
    for (const name of await readdir(statePath, { recursive: true })) {
      const { mode } = await stat(join(statePath, name));
      expect([name, mode & 0o077]).toEqual([name, 0]);
    }
    const target = join(stack.folder, 'restored-inside');
    expect((await stack.run(inside, 'restore', 'latest', '--target', target)).code).toBe(0);
    // The canary is a root of its own and comes along; identity, recovery kit and cache do not.
    expect((await readdir(join(target, inside), { recursive: true })).sort()).toEqual(['canary', 'canary/canary.txt']);
  });
});
