/**
 * Stock restic of releases that this machine's own distribution does not have, from Debian's packages: trees are spelled as
 * these spell them, and the benchmark is against the newest.
 */
import path from 'node:path';
import { HoldfastError } from '../../core/base/errors.ts';
import { fetchFromDebian, type Machine, thisMachine } from './debian-archive.ts';

/** Where Debian keeps a release that begins so. */
const SUITES = { '0.18': 'trixie', '0.19': 'sid' } as const;
export type ResticRelease = keyof typeof SUITES;

const PROGRAM = 'usr/bin/restic';

/** The path of that restic, downloaded when it is not there yet (some 20 MiB, once). @throws HoldfastError service_missing. */
export function ensureRestic(
  release: ResticRelease,
  { triesMax = 1, machine = thisMachine }: { triesMax?: number; machine?: Machine } = {},
): string {
  const suite = SUITES[release];
  const unavailable = (why: string): HoldfastError => cannotBeHad(release, why);
  const folder = fetchFromDebian(
    {
      ...{ name: `restic-${release}`, suite, proof: PROGRAM, unavailable },
      choose: (aptCache) => {
        const version = newest(aptCache('madison', 'restic'), release);
        if (version === undefined) throw unavailable(`Debian's ${suite} has another release by now`);
        return [`restic=${version}`];
      },
      judge: (unpacked, run) => {
        const version = run([path.join(unpacked, PROGRAM), 'version'], unpacked);
        if (version?.startsWith(`restic ${release}.`) === true) return undefined;
        return `what was downloaded calls itself ${version?.trim() ?? 'nothing'}`;
      },
    },
    triesMax,
    machine,
  );
  return path.join(folder, PROGRAM);
}

/** `restic | 0.19.1-1 | address`: the first version that is of the release. */
function newest(madison: string, release: ResticRelease): string | undefined {
  const versions = madison.split('\n').map((line) => line.split('|')[1]?.trim() ?? '');
  return versions.find((version) => version.startsWith(`${release}.`));
}

function cannotBeHad(release: ResticRelease, why: string): HoldfastError {
  return new HoldfastError(
    'service_missing',
    `restic ${release} could not be had: ${why}. Put its program into node_modules/.cache/holdfast/restic-${release}/usr/bin, or run this on Debian with its archive in reach.`,
  );
}
