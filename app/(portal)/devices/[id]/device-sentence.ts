import type { DeviceSummary } from '../../../../server/fleet/view.ts';
import { formatDuration } from '../../../../core/domain/format.ts';

type Spoken = Pick<DeviceSummary, 'name' | 'protection' | 'proofAtMs' | 'dataAtMs'>;

/** The sentence that opens a device's page: what would be lost now, and how that is known. */
export function deviceSentence(device: Spoken, nowMs: number): string {
  const loss =
    device.dataAtMs === null
      ? null
      : `at most ${formatDuration(nowMs - device.dataAtMs)} of work would be lost if it failed now`;
  switch (device.protection.state) {
    case 'proven':
      return device.proofAtMs === null
        ? `${device.name} is proven${loss === null ? '' : `; ${loss}`}.`
        : `${device.name} is proven: a restore was tested ${formatDuration(nowMs - device.proofAtMs)} ago, and ${loss}.`;
    case 'protected':
      return device.proofAtMs === null
        ? `${device.name} is backed up and waits for its first proof; ${loss}.`
        : `${device.name} is backed up; its last restore was tested ${formatDuration(nowMs - device.proofAtMs)} ago, and ${loss}.`;
    case 'unknown':
      return device.dataAtMs === null
        ? `${device.name} has no backup yet.`
        : `Nothing certain is known about ${device.name}.`;
    default:
      return `${device.name} needs you. ${device.protection.reason}`;
  }
}
