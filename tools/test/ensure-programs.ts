import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { HoldfastError } from '../../core/base/errors.ts';
import { findOnPath } from '../services/find-on-path.ts';

/** What tests talk to instead of a stand-in: the browser, the queue's server, and the restic that vaults must be readable by. */
export const TEST_PROGRAMS = [
  { debianPackage: 'chromium', paths: ['/usr/bin/chromium'] },
  { debianPackage: 'redis-server', paths: ['redis-server', 'valkey-server'] },
  { debianPackage: 'restic', paths: ['restic'] },
] as const;

interface Machine {
  has: (program: string) => boolean;
  isRoot: boolean;
  /** Runs a command and returns its exit code. */
  run: (command: string, args: readonly string[]) => number;
}

const thisMachine: Machine = {
  has: (program) =>
    program.startsWith('/') ? existsSync(process.env.CHROMIUM_PATH ?? program) : findOnPath(program) !== undefined,
  isRoot: process.getuid?.() === 0,
  run: (command, args) =>
    spawnSync(command, args, {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }).status ?? 127,
};

/**
 * Installs the missing ones with apt-get where that is possible. Throws HoldfastError 'service_missing' with the command
 * otherwise: a test whose program is missing must not be left out in silence.
 */
export function ensurePrograms(machine: Machine = thisMachine): void {
  const missing = (): string[] =>
    TEST_PROGRAMS.filter(({ paths }) => !paths.some(machine.has)).map(({ debianPackage }) => debianPackage);
  const packages = missing();
  if (packages.length === 0) return;
  const command = `apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  if (machine.isRoot && machine.has('apt-get')) {
    console.log(`Installing what the tests need: ${packages.join(', ')}`);
    machine.run('apt-get', ['update', '-q']);
    machine.run('apt-get', ['install', '-q', '-y', '--no-install-recommends', ...packages]);
  }
  const stillMissing = missing();
  if (stillMissing.length > 0) {
    throw new HoldfastError(
      'service_missing',
      `The tests need ${stillMissing.join(', ')} on this machine. Run as root: ${command}`,
    );
  }
}
