import type { ProtectionState } from '../../../core/domain/outcome.ts';
import type { DeviceSummary } from '../../../server/fleet/view.ts';
import { formatDuration } from '../../_ui/format.ts';

/** States that a person has to do something about; the others settle by themselves. */
const NEEDS_PERSON: ReadonlySet<ProtectionState> = new Set([
  'damaged',
  'failed',
  'stuck',
  'missed',
  'late',
  'partial',
] as const);

export function needsPerson(state: ProtectionState): boolean {
  return NEEDS_PERSON.has(state);
}

type Spoken = Pick<DeviceSummary, 'name' | 'protection' | 'proofAtMs'>;

/** The one sentence that answers "is everything all right?" for the given devices, the most urgent first. */
export function fleetSentence(devices: readonly Spoken[], nowMs: number): string {
  if (devices.length === 0) return 'No device is protected yet.';
  const needing = devices.filter((device) => needsPerson(device.protection.state));
  const [first] = needing;
  if (first !== undefined) {
    const reason = `${first.name}: ${lowerFirst(first.protection.reason)}`;
    return needing.length === 1
      ? `One device needs you. ${reason}`
      : `${needing.length} devices need you. First ${reason}`;
  }
  const unproven = devices.filter((device) => device.protection.state !== 'proven');
  if (unproven.length === 0) return provenSentence(devices, nowMs);
  if (devices.length === 1) {
    if (unproven[0]?.protection.state !== 'protected') return 'Your device has no backup yet.';
    return unproven[0].proofAtMs === null
      ? 'Your device is backed up and waits for its first proof.'
      : `Your device is backed up and waits for its next proof; the last is ${formatDuration(nowMs - unproven[0].proofAtMs)} old.`;
  }
  const waiting = unproven.length === 1 ? 'one is' : `${unproven.length} are`;
  return `${devices.length - unproven.length} of ${devices.length} devices are proven; ${waiting} not.`;
}

function provenSentence(devices: readonly Spoken[], nowMs: number): string {
  const oldestMs = Math.max(
    ...devices.map((device) => (device.proofAtMs === null ? Infinity : nowMs - device.proofAtMs)),
  );
  // Proven without a drill on record cannot be; if it ever is, the sentence must not invent an age.
  const age = Number.isFinite(oldestMs) ? `is ${formatDuration(oldestMs)} old` : 'has no date';
  if (devices.length === 1) return `Your device is proven; the proof ${age}.`;
  return `${devices.length === 2 ? 'Both' : `All ${devices.length}`} devices are proven; the oldest proof ${age}.`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
