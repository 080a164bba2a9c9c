import { expect, test } from 'vitest';
import { PROTECTION_STATES, type ProtectionState } from '../../../core/domain/outcome.ts';
import type { FleetTotals } from '../../../server/fleet/view.ts';
import { fleetSentence } from './fleet-sentence.ts';

const HOUR = 3600_000;
const totals = (
  states: Partial<Record<ProtectionState, number>>,
  first: [name: string, proofAtMs: number | null] | null = null,
  oldestProofMs: number | null = null,
): Omit<FleetTotals, 'customers' | 'busy'> => {
  const worst = PROTECTION_STATES.find((state) => (states[state] ?? 0) > 0) ?? 'unknown';
  return {
    nowMs: 10 * HOUR,
    devices: Object.values(states).reduce((sum, count) => sum + count, 0),
    states,
    first:
      worst === 'proven'
        ? null
        : {
            name: first?.[0] ?? 'web-1',
            protection: { state: worst, reason: 'The last expected backup did not happen.' },
            proofAtMs: first?.[1] ?? null,
          },
    oldestProofMs,
  };
};

test('all proven names the oldest proof', () => {
  expect(fleetSentence(totals({ proven: 3 }, null, 8 * HOUR))).toBe(
    'All 3 devices are proven; the oldest proof is 2 h old.',
  );
  expect(fleetSentence(totals({ proven: 1 }, null, 9 * HOUR))).toBe('Your device is proven; the proof is 1 h old.');
  expect(fleetSentence(totals({ proven: 2 }))).toBe('Both devices are proven; the oldest proof has no date.');
});

test('only a fleet that is proven as a whole is called proven', () => {
  for (const state of PROTECTION_STATES.filter((one) => one !== 'proven'))
    expect(fleetSentence(totals({ proven: 1, [state]: 1 })), state).not.toMatch(/^(All|Both|Your)/);
});

test('what needs a person comes first, with its reason', () => {
  expect(fleetSentence(totals({ missed: 1, proven: 1 }, ['desk-2', null]))).toBe(
    'One device needs you. desk-2: the last expected backup did not happen.',
  );
  expect(fleetSentence(totals({ damaged: 1, late: 1 }, ['nas', null]))).toMatch(/^2 devices need you\. First nas:/);
});

test('devices that merely wait for a proof raise no alarm', () => {
  expect(fleetSentence(totals({ protected: 1 }))).toBe('Your device is backed up and waits for its first proof.');
  expect(fleetSentence(totals({ protected: 1 }, ['a', 8 * HOUR]))).toMatch(/the last is 2 h old/);
  expect(fleetSentence(totals({ unknown: 1 }))).toBe('Your device has no backup yet.');
  expect(fleetSentence(totals({ proven: 1, protected: 1, unknown: 1 }))).toBe('1 of 3 devices are proven; 2 are not.');
  expect(fleetSentence(totals({}))).toBe('No device is protected yet.');
});
