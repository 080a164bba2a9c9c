import { expect, test } from 'vitest';
import { ensurePrograms } from './ensure-programs.ts';

/** Of packages that these tests do not speak of. */
const OTHERS = [
  '/usr/lib/postgresql/*/bin/initdb',
  '/usr/sbin/mariadbd',
  'mariadb-dump',
  'sqlite3',
  'python3',
  'openssl',
  'qemu-system-x86_64',
  'qemu-img',
  '/usr/share/OVMF/OVMF_CODE_4M.fd',
];

function machine(
  installed: string[],
  settings: { isRoot: boolean; canInstall?: boolean },
): { ran: string[]; use: () => void } {
  const ran: string[] = [];
  const has = new Set([...installed, ...OTHERS]);
  const use = (): void =>
    ensurePrograms({
      isRoot: settings.isRoot,
      has: (program) => has.has(program),
      run: (command, args) => {
        ran.push([command, ...args].join(' '));
        if (args[0] === 'install' && settings.canInstall === true)
          for (const name of args) has.add(name === 'chromium' ? '/usr/bin/chromium' : name);
        return 0;
      },
    });
  return { ran, use };
}

test('where everything is there nothing is installed', () => {
  const { ran, use } = machine(['/usr/bin/chromium', 'valkey-server', 'restic'], { isRoot: true });
  use();
  expect(ran).toEqual([]);
});

test('root installs exactly what is missing', () => {
  const { ran, use } = machine(['apt-get', 'restic'], { isRoot: true, canInstall: true });
  use();
  expect(ran).toEqual([
    'apt-get update -q -o Acquire::Retries=5',
    'apt-get install -q -y --no-install-recommends -o Acquire::Retries=5 chromium redis-server',
  ]);
});

test('without the right, or when the install fails, the command that mends it is named', () => {
  const sentence =
    /need redis-server on this machine\. Run as root: apt-get update && apt-get install -y --no-install-recommends redis-server$/;
  expect(machine(['apt-get', 'restic', '/usr/bin/chromium'], { isRoot: false }).use).toThrow(sentence);
  expect(machine(['apt-get', 'restic', '/usr/bin/chromium'], { isRoot: true }).use).toThrow(sentence);
});
