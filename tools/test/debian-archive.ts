/**
 * Packages of Debian that this machine does not have installed: apt downloads and verifies them with lists, cache and settings of
 * its own, so that nothing of the machine changes, and nothing needs root.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const DOWNLOADS = fileURLToPath(new URL('../../node_modules/.cache/holdfast', import.meta.url));
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Before the second try; twice as long before each further one. */
const FIRST_WAIT_MS = 4000;

export interface Machine {
  /** Runs a program in a folder: what it wrote, or undefined when it failed or is not there. */
  readonly run: (command: readonly string[], folder: string) => string | undefined;
  /** What was downloaded lies here, each in a folder of its own. */
  readonly cache: string;
  readonly waitMs: (ms: number) => void;
}

export const thisMachine: Machine = {
  run: ([program = '', ...args], cwd) => {
    const { status, stdout, stderr } = spawnSync(program, args, {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    if (status !== 0 && stderr) process.stderr.write(stderr);
    return status === 0 ? stdout : undefined;
  },
  cache: DOWNLOADS,
  waitMs: (ms) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms),
};

export interface DebianWish {
  /** For people, and of the folder: `restic-0.19`. */
  readonly name: string;
  readonly suite: string;
  /** Of the packages, where it is not this machine's own. */
  readonly architecture?: string;
  /** One of its files: where it is, all of it is. */
  readonly proof: string;
  /** What to download (`name` or `name=version`), by asking `apt-cache`. */
  readonly choose: (aptCache: (...command: string[]) => string) => readonly string[];
  /** Why what was unpacked is not what was wanted; undefined: it is. */
  readonly judge?: (folder: string, run: Machine['run']) => string | undefined;
  /** @returns the error that says why it cannot be had. */
  readonly unavailable: (why: string) => Error;
}

/**
 * The folder with the unpacked packages, downloaded when it is not there yet.
 * A mirror that is busy or out of reach for a moment is tried again: whoever has the time for it asks for more than one try.
 * @throws what `unavailable` makes: a test that needs them must not be left out in silence.
 */
export function fetchFromDebian(wish: DebianWish, triesMax: number, machine: Machine): string {
  const home = path.join(machine.cache, wish.name);
  if (existsSync(path.join(home, wish.proof))) return home;
  mkdirSync(machine.cache, { recursive: true });
  const work = mkdtempSync(path.join(machine.cache, `${wish.name}-download-`));
  try {
    console.log(`Downloading ${wish.name} from Debian's packages`);
    const unpacked = download(wish, work, machine, triesMax);
    const fault = wish.judge?.(unpacked, (command) => machine.run(command, work));
    if (fault !== undefined) throw wish.unavailable(fault);
    place(unpacked, home, wish.proof);
    return home;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Another process may have been as fast: what it placed is as good. */
function place(unpacked: string, home: string, proof: string): void {
  try {
    renameSync(unpacked, home);
  } catch (error) {
    if (!existsSync(path.join(home, proof))) throw error;
  }
}

function download(wish: DebianWish, work: string, machine: Machine, triesMax: number): string {
  const { suite, architecture, unavailable } = wish;
  const mirror = debianMirror(work, machine);
  if (mirror === undefined) throw unavailable('no mirror of Debian is configured for apt');
  if (!existsSync(KEYRING)) throw unavailable(`${KEYRING} is not there`);
  for (const folder of ['lists/partial', 'cache/archives/partial', 'unpacked'])
    mkdirSync(path.join(work, folder), { recursive: true });
  writeFileSync(path.join(work, 'status'), '');
  writeFileSync(path.join(work, 'sources.list'), `deb [signed-by=${KEYRING}] ${mirror} ${suite} main\n`);
  const settings = {
    'Dir::Etc::sourcelist': path.join(work, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::Etc::preferences': '/dev/null',
    'Dir::Etc::preferencesparts': '/dev/null',
    'Dir::State::lists': path.join(work, 'lists'),
    'Dir::State::status': path.join(work, 'status'),
    'Dir::Cache': path.join(work, 'cache'),
    // Its usual user could not write here.
    'APT::Sandbox::User': '',
    'Acquire::Languages': 'none',
    // A list that could not be had is an error: the old or the missing one would say that there is no such release.
    'APT::Update::Error-Mode': 'any',
    ...(architecture === undefined ? {} : { 'APT::Architecture': architecture, 'APT::Architectures': architecture }),
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const apt = (...command: string[]): string => {
    for (let tries = 1; ; tries += 1) {
      const output = machine.run([command[0]!, ...options, ...command.slice(1)], work);
      if (output !== undefined) return output;
      if (tries === triesMax) throw unavailable(`"${command.join(' ')}" failed, ${tries} times`);
      machine.waitMs(FIRST_WAIT_MS * 2 ** (tries - 1));
    }
  };
  apt('apt-get', '-q', 'update');
  apt('apt-get', '-q', 'download', ...wish.choose((...command) => apt('apt-cache', ...command)));
  const archives = readdirSync(work).filter((name) => name.endsWith('.deb'));
  const unpacked = path.join(work, 'unpacked');
  if (
    archives.length === 0 ||
    archives.some((one) => machine.run(['dpkg-deb', '-x', one, unpacked], work) === undefined)
  )
    throw unavailable('its package could not be unpacked');
  return unpacked;
}

/** The archive that the machine itself installs from; not those of security updates or other publishers. */
function debianMirror(work: string, { run }: Machine): string | undefined {
  const output = run(['apt-get', 'indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages'], work) ?? '';
  return output.split('\n').find((uri) => /\/debian\/?$/.test(uri));
}
