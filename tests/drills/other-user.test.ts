/** Restore tests by a service that is not root, with and without the namespaces that root can do without. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { confinementWarnings } from '../../core/domain/confinement.ts';
import type { DrillCheck } from '../../core/domain/drill-checks.ts';
import { createFileStore } from '../../core/storage/file-store.ts';
import { makeVault, type TestVault } from '../../workers/testing/make-vault.ts';

const PROGRAM = fileURLToPath(new URL('open-and-report.ts', import.meta.url));
const NOBODY = 65_534;
/** As the user nobody, who may make namespaces where the system lets anybody. */
const AS_NOBODY = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
/** A user namespace in which no other may be made, and a user without any right in it: what a hardened system looks like. */
const WITHOUT_NAMESPACES = [
  ...['unshare', '--user', '--map-user=1000', '--map-group=1000', '--keep-caps', 'sh', '-c'],
  'echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --ambient-caps=-all --inh-caps=-all --bounding-set=-all "$@"',
  'sh',
];

interface Report {
  readonly layers: readonly string[];
  readonly contents: string;
  readonly checks: readonly DrillCheck[];
  readonly warnings: readonly string[];
}

let folder: string;
let vault: TestVault;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'holdfast-other-user-'));
  vault = await makeVault(createFileStore({ root: path.join(folder, 'vault') }), { 'canary.txt': 'sing' });
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    chmodSync(path.join(folder, entry), 0o755);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function drillAs(command: readonly string[], user: number): Report {
  const own = mkdtempSync(path.join(tmpdir(), 'holdfast-as-user-'));
  const dump = path.join(own, 'dump.sql');
  writeFileSync(dump, '-- PostgreSQL database dump\nCREATE TABLE t(a int); INSERT INTO t VALUES (1), (2);\n');
  for (const place of [own, dump]) chownSync(place, user, user);
  try {
    const args = [path.join(folder, 'vault'), JSON.stringify(vault.task), `${vault.source}/canary.txt`, own];
    const [program = '', ...before] = command;
    const output = execFileSync(program, [...before, process.execPath, PROGRAM, ...args], {
      encoding: 'utf8',
      env: { ...process.env, TMPDIR: own },
    });
    return JSON.parse(output) as Report;
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

/** Whoever is not root cannot become another user to see what happens then. */
describe.runIf(process.getuid?.() === 0)('a service that is not root', () => {
  test('where the system lets it make namespaces: everything is done and compared, and the missing layer is named', () => {
    const { layers, contents, checks, warnings } = drillAs(AS_NOBODY, NOBODY);
    expect(contents).toBe('sing');
    // Some systems let root alone make them: then this is the case below.
    if (!layers.includes('own-files')) return expect(checks.map(({ state }) => state)).toEqual(['skipped']);
    expect(confinementWarnings(layers)).toEqual([expect.stringContaining('ran as the user of the service')]);
    expect(checks.map(({ kind, state }) => [kind, state])).toEqual([
      ['restore', 'passed'],
      ['structure', 'passed'],
      ['row_count', 'passed'],
    ]);
    expect(warnings).toEqual([]);
  });

  test('where it cannot: files are restored with warnings, and no dump is opened, which is said', () => {
    const { layers, contents, checks, warnings } = drillAs(WITHOUT_NAMESPACES, 0);
    expect(contents).toBe('sing');
    expect([...layers].sort()).toEqual(['permission-model', 'resource-limits']);
    expect(confinementWarnings(layers)).toEqual([
      expect.stringContaining('could see the files of the machine'),
      expect.stringContaining('ran as the user of the service'),
      expect.stringContaining('was not cut off from the network'),
    ]);
    expect(checks).toMatchObject([{ kind: 'restore', state: 'skipped' }]);
    expect(checks[0]!.output).toContain('forbids the sandbox that this needs');
    expect(warnings).toEqual([expect.stringContaining('Not everything could be opened')]);
  });
});
