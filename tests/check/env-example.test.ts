import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { listSourceFiles } from '../../tools/check/list-source-files.mjs';

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string): string => readFileSync(`${CHECKOUT}/${file}`, 'utf8');
const names = (text: string, pattern: RegExp): string[] =>
  [...new Set([...text.matchAll(pattern)].map(([, name = '']) => name))].sort();

/** Of the system, of the person's shell, or of a program that is not ours. */
const OF_OTHERS = new Set([
  'PATH',
  'NODE_ENV',
  'NODE_OPTIONS',
  'CHROMIUM_PATH',
  'CHECKPOINT_DISABLE',
  'VITEST',
  'CI',
  'TMPDIR',
  'XDG_CACHE_HOME',
]);
const isOurs = (name: string): boolean =>
  !OF_OTHERS.has(name) && !name.startsWith('PRISMA_') && !/^HOLDFAST_(?:E2E|TEST)/.test(name);

const documented = names(read('.env.example'), /^#? ?([A-Z][A-Z0-9_]+)=/gm);
const readByServer = names(read('server/env.ts'), /^ {4}([A-Z][A-Z0-9_]+): /gm);
const readByAgent = names(read('agent/env.ts'), /\bsource\.([A-Z][A-Z0-9_]+)/g);
const readByTools = listSourceFiles(CHECKOUT)
  .filter((file) => file.startsWith('tools/') && !file.includes('.test.'))
  .flatMap((file) => [
    ...names(read(file), /\b(?:env|environment|outside)\.([A-Z][A-Z0-9_]+)/g),
    ...names(read(file), /const \{ ([A-Z_, ]+) \} = process\.env/g).flatMap((list) => list.split(', ')),
  ]);

test('.env.example names every variable that the server, the agent and the tools read', () => {
  expect(readByServer.length).toBeGreaterThan(10);
  expect(readByAgent).toContain('HOLDFAST_AGENT_STATE');
  expect(readByTools).toEqual(expect.arrayContaining(['DATABASE_URL', 'HOLDFAST_DATA', 'HOLDFAST_PROTECT']));
  const missing = [...readByServer, ...readByAgent, ...readByTools].filter(
    (name) => isOurs(name) && !documented.includes(name),
  );
  expect(missing).toEqual([]);
});

test('.env.example names nothing that nobody reads', () => {
  const isRead = new Set([...readByServer, ...readByAgent, ...readByTools, 'GOOGLE_APPLICATION_CREDENTIALS']);
  expect(documented.filter((name) => !isRead.has(name))).toEqual([]);
});
