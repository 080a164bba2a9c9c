import type { CoverageView } from '../../../../../server/inventory/view-coverage.ts';

/** Something that was found on a machine, is not backed up, and of which nobody has decided that it need not be. */
export interface Gap {
  readonly deviceId: string;
  readonly deviceName: string;
  readonly kind: 'volume' | 'database';
  readonly subject: string;
  readonly name: string;
  readonly state: 'configured' | 'unprotected' | 'unselected';
  readonly usedBytes: number | null;
  readonly advice: string;
}

const ADVICE = {
  unprotected: 'Add a source for it to the policy: copied files of a running database do not restore.',
  configured: 'Look at the newest backup of the machine: the dump of it was not made.',
  unselected: 'Add its folders to the policy, if there is anything on it that somebody would miss.',
} as const;

/** Databases first: what is lost of them is lost as a whole. Then volumes, the fullest first. */
export function gapsOf({ devices }: Pick<CoverageView, 'devices'>): Gap[] {
  const databases = devices.flatMap(({ deviceId, deviceName, databases: found }) =>
    (found ?? []).flatMap(({ key, name, state }): Gap[] =>
      state === 'unprotected' || state === 'configured'
        ? [
            {
              deviceId,
              deviceName,
              kind: 'database',
              subject: key,
              name,
              state,
              usedBytes: null,
              advice: ADVICE[state],
            },
          ]
        : [],
    ),
  );
  const volumes = devices.flatMap(({ deviceId, deviceName, volumes: found }) =>
    (found ?? []).flatMap(({ mountPoint, state, usedBytes }): Gap[] =>
      state === 'unselected'
        ? [
            {
              ...{ deviceId, deviceName, kind: 'volume', subject: mountPoint, name: `The volume ${mountPoint}` },
              ...{ state, usedBytes, advice: ADVICE[state] },
            },
          ]
        : [],
    ),
  );
  return [...databases, ...volumes.sort((a, b) => (b.usedBytes ?? 0) - (a.usedBytes ?? 0))];
}
