import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { HoldfastError } from '../../core/base/errors.ts';
import { findOnPath } from '../services/find-on-path.ts';

const CHROMIUM = '/usr/bin/chromium';

/**
 * What tests talk to instead of a stand-in: the browser, the queue's server, the restic that vaults must be readable by, and
 * the databases that agents protect, and the emulator in which drills start systems; Python makes and reads odd metadata, so
 * that no call of ours is its own witness. MariaDB's core package brings the server without a service that would be started.
 */
export const TEST_PROGRAMS = [
  { debianPackage: 'chromium', paths: [CHROMIUM] },
  { debianPackage: 'redis-server', paths: ['redis-server', 'valkey-server'] },
  { debianPackage: 'restic', paths: ['restic'] },
  { debianPackage: 'postgresql', paths: ['/usr/lib/postgresql/*/bin/initdb'] },
  { debianPackage: 'mariadb-server-core', paths: ['/usr/sbin/mariadbd'] },
  { debianPackage: 'mariadb-client', paths: ['mariadb-dump'] },
  { debianPackage: 'sqlite3', paths: ['sqlite3'] },
  { debianPackage: 'qemu-system-x86', paths: ['qemu-system-x86_64'] },
  { debianPackage: 'qemu-utils', paths: ['qemu-img'] },
  { debianPackage: 'ovmf', paths: ['/usr/share/OVMF/OVMF_CODE_4M.fd', '/usr/share/OVMF/OVMF_CODE.fd'] },
  { debianPackage: 'python3', paths: ['python3'] },
  { debianPackage: 'openssl', paths: ['openssl'] },
] as const;

interface Machine {
  has: (program: string) => boolean;
  isRoot: boolean;
  /** Runs a command and returns its exit code. */
  run: (command: string, args: readonly string[]) => number;
}

const thisMachine: Machine = {
  has: (program) => {
    if (program === CHROMIUM) return existsSync(process.env.CHROMIUM_PATH ?? program);
    return program.startsWith('/') ? globSync(program).length > 0 : findOnPath(program) !== undefined;
  },
  isRoot: process.getuid?.() === 0,
  run: (command, args) =>
    spawnSync(command, args, {
      stdio: ['ignore', 'inherit', 'inherit'],
      // Run level 1: what is installed for tests is not started as a service of the machine.
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
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
    // apt's own tries: a mirror that is busy or out of reach for a moment must fail no test.
    const retries = ['-o', 'Acquire::Retries=5'];
    machine.run('apt-get', ['update', '-q', ...retries]);
    machine.run('apt-get', ['install', '-q', '-y', '--no-install-recommends', ...retries, ...packages]);
  }
  const stillMissing = missing();
  if (stillMissing.length > 0) {
    throw new HoldfastError(
      'service_missing',
      `The tests need ${stillMissing.join(', ')} on this machine. Run as root: ${command}`,
    );
  }
}
