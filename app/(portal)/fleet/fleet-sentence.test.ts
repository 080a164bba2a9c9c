import { expect, test } from 'vitest';
import { PROTECTION_STATES, type ProtectionState } from '../../../core/domain/outcome.ts';
import { fleetSentence } from './fleet-sentence.ts';

const HOUR = 3600_000;
const device = (state: ProtectionState, proofAtMs: number | null = null, name = 'web-1') => ({
  name,
  protection: { state, reason: 'The last expected backup did not happen.' },
  proofAtMs,
});

test('all proven names the oldest proof, not the newest', () => {
  const devices = [device('proven', 9 * HOUR), device('proven', 8 * HOUR), device('proven', 9.5 * HOUR)];
  expect(fleetSentence(devices, 10 * HOUR)).toBe('All 3 devices are proven; the oldest proof is 2 h old.');
  expect(fleetSentence(devices.slice(0, 1), 10 * HOUR)).toBe('Your device is proven; the proof is 1 h old.');
});

test('only a fleet that is proven as a whole is called proven', () => {
  for (const state of PROTECTION_STATES.filter((one) => one !== 'proven')) {
    const sentence = fleetSentence([device('proven', 0), device(state)], HOUR);
    expect(sentence, state).not.toMatch(/^(All|Both|Your)/);
  }
});

test('what needs a person comes first, with its reason', () => {
  expect(fleetSentence([device('missed', null, 'desk-2'), device('proven', 0)], HOUR)).toBe(
    'One device needs you. desk-2: the last expected backup did not happen.',
  );
  expect(fleetSentence([device('damaged', null, 'nas'), device('late')], HOUR)).toMatch(
    /^2 devices need you\. First nas:/,
  );
});

test('devices that merely wait for a proof raise no alarm', () => {
  expect(fleetSentence([device('protected')], 0)).toBe('Your device is backed up and waits for its first proof.');
  expect(fleetSentence([device('unknown')], 0)).toBe('Your device has no backup yet.');
  expect(fleetSentence([device('proven', 0), device('protected'), device('unknown')], 0)).toBe(
    '1 of 3 devices are proven; 2 are not.',
  );
  expect(fleetSentence([], 0)).toBe('No device is protected yet.');
});
