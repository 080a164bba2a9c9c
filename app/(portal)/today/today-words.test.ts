import { expect, test } from 'vitest';
import { breachWords, reachWords, todaySentence } from './today-words.ts';

const T = Date.UTC(2026, 10, 21, 8);
const MINUTE = 60_000;
type Groups = Parameters<typeof todaySentence>[0]['groups'];
const group = (breachMs: number | null, isAcknowledged = false) => ({ breachMs, isAcknowledged }) as Groups[number];
const said = (...groups: Groups) => todaySentence({ groups, nowMs: T, devices: 3 });

test('the sentence says how much needs a person, and what will not wait', () => {
  expect(said()).toBe('Nothing needs you.');
  expect(todaySentence({ groups: [], nowMs: T, devices: 0 })).toBe('No device is protected yet.');
  expect(said(group(null))).toBe('1 thing needs you.');
  expect(said(group(T + 130 * MINUTE), group(T + 300 * MINUTE))).toBe(
    '2 things need you; the first breaches in 2 h 10 min.',
  );
  expect(said(group(T - MINUTE))).toBe('1 thing needs you; its data is older than was promised.');
  expect(said(group(T - MINUTE), group(null))).toBe('2 things need you; in 1 of them data is older than was promised.');
});

test('what somebody has taken is not asked for again', () => {
  expect(said(group(T - MINUTE, true))).toBe('1 thing stands, and somebody is on each.');
  expect(said(group(T - MINUTE, true), group(null))).toBe('1 of 2 things needs you.');
});

test('the countdown is a warning in its last four hours, and a risk after', () => {
  expect(breachWords(T + 241 * MINUTE, T)).toEqual({ text: 'breaks in 4 h 1 min', tone: 'quiet' });
  expect(breachWords(T + 239 * MINUTE, T)).toMatchObject({ tone: 'warn' });
  expect(breachWords(T, T)).toMatchObject({ tone: 'risk' });
  expect(breachWords(null, T).text).toBe('');
});

test('the reach of a cause is counted, and what is one alone is named', () => {
  const at = (deviceName: string | null, customerName = 'Fjord') => ({ deviceName, customerName });
  const reach = (devices: number, customers: number, ...alerts: ReturnType<typeof at>[]) =>
    reachWords({ devices, customers, alerts });
  expect(reach(6, 3, at('NAS'), at('OFFICE', 'Hill'))).toBe('6 devices, 3 customers');
  expect(reach(0, 2, at(null), at(null, 'Hill'))).toBe('2 customers');
  expect(reach(6, 1, at('NAS'), at('OFFICE'))).toBe('6 devices of Fjord');
  expect(reach(1, 1, at(null), at('NAS'))).toBe('NAS, Fjord');
  expect(reach(0, 1, at(null))).toBe('Fjord');
});
