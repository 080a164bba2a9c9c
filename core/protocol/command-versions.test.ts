import { expect, test } from 'vitest';
import { knownCommands, knowsCommand } from './command-versions.ts';

test('an agent is sent what its version knows, and nothing that came later', () => {
  for (const version of ['0.1.0', '0.1.1', '0.10.0', '1.0.0', '0.1.0+build.7'])
    expect(knowsCommand('drill', version), version).toBe(true);
  for (const version of ['0.0.9', '0.1.0-rc.1', '0.0.10', '', 'unknown', '0.1'])
    expect(knowsCommand('drill', version), version).toBe(false);
  expect(knownCommands('0.0.9')).toEqual(['backup_now', 'restore']);
  expect(knownCommands('what is this')).toEqual(['backup_now', 'restore']);
});
