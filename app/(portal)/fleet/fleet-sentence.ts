import type { ProtectionState } from '../../../core/domain/outcome.ts';
import type { FleetTotals } from '../../../server/fleet/view.ts';
import { formatDuration } from '../../../core/domain/format.ts';

/** States that a person has to do something about; the others settle by themselves. */
const NEEDS_PERSON: readonly ProtectionState[] = ['damaged', 'failed', 'stuck', 'missed', 'late', 'partial'];

/** Devices that need a person. */
export function countNeeding({ states }: Pick<FleetTotals, 'states'>): number {
  return NEEDS_PERSON.reduce((sum, state) => sum + (states[state] ?? 0), 0);
}

/** The one sentence that answers "is everything all right?" for the whole fleet, the most urgent first. */
export function fleetSentence(totals: Omit<FleetTotals, 'customers' | 'busy'>): string {
  const { devices, states, first, nowMs } = totals;
  if (devices === 0) return 'No device is protected yet.';
  const needing = countNeeding(totals);
  if (needing > 0 && first !== null) {
    const reason = `${first.name}: ${lowerFirst(first.protection.reason)}`;
    return needing === 1 ? `One device needs you. ${reason}` : `${needing} devices need you. First ${reason}`;
  }
  const proven = states.proven ?? 0;
  if (proven === devices) return provenSentence(totals);
  if (devices === 1) {
    if (first?.protection.state !== 'protected') return 'Your device has no backup yet.';
    return first.proofAtMs === null
      ? 'Your device is backed up and waits for its first proof.'
      : `Your device is backed up and waits for its next proof; the last is ${formatDuration(nowMs - first.proofAtMs)} old.`;
  }
  const unproven = devices - proven;
  return `${proven} of ${devices} devices are proven; ${unproven === 1 ? 'one is' : `${unproven} are`} not.`;
}

function provenSentence({
  devices,
  oldestProofMs,
  nowMs,
}: Pick<FleetTotals, 'devices' | 'oldestProofMs' | 'nowMs'>): string {
  // Proven without a drill on record cannot be; if it ever is, the sentence must not invent an age.
  const age = oldestProofMs === null ? 'has no date' : `is ${formatDuration(nowMs - oldestProofMs)} old`;
  if (devices === 1) return `Your device is proven; the proof ${age}.`;
  return `${devices === 2 ? 'Both' : `All ${devices}`} devices are proven; the oldest proof ${age}.`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
