import { expect, test } from 'vitest';
import { COMMAND_SINCE, knownCommands } from '../core/protocol/command-versions.ts';
import { AGENT_VERSION } from './version.ts';

test('the agent of this checkout is sent every command that there is', () => {
  expect(knownCommands(AGENT_VERSION)).toEqual(Object.keys(COMMAND_SINCE));
});
