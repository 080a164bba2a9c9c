import { expect, test } from 'vitest';
import { type BackupSource, backupSources } from '../../../../core/domain/backup-source.ts';
import { draftOf, emptyDraft, KIND_WORDS, type SourceKind, sourceOf } from './source-draft.ts';

const hooks = {
  before: { argv: ['/usr/local/bin/freeze', '--app', ' two  words '], onFailure: 'warn', timeLimitMinutes: 3 },
  after: { argv: ['/usr/local/bin/thaw'] },
};
const sources = backupSources.parse([
  {
    kind: 'postgres',
    label: 'main',
    host: 'db.example',
    port: 5433,
    user: 'backup',
    login: { kind: 'secret_file', path: '/etc/holdfast/pgpass' },
    databases: ['shop', 'books'],
    globals: false,
    sslMode: 'verify-full',
    programFolder: '/usr/lib/postgresql/17/bin',
    timeLimitMinutes: 90,
    // Not in the form, and not to be lost by it.
    checks: { invariants: [{ name: 'orders', sql: 'SELECT 1', expect: '1' }] },
    ...hooks,
  },
  { kind: 'postgres', label: 'local', user: 'postgres', login: { kind: 'peer', systemUser: 'postgres' } },
  { kind: 'mysql', label: 'web', socket: '/run/mysqld/mysqld.sock', user: 'root', login: { kind: 'peer' } },
  { kind: 'sqlite', label: 'app', files: ['/srv/a.db', '/srv/b c.db'], checks: { mayBeEmpty: true }, ...hooks },
  { kind: 'command', label: 'ldap', argv: ['/usr/sbin/slapcat', '-n', '1', ''], fileName: 'ldap.ldif' },
  { kind: 'files', label: 'vm', paths: ['/srv/vm'], ...hooks },
]);

test.each(sources.map((source) => [`${source.kind}/${source.label}`, source] as const))(
  'a source that is opened and saved unchanged is the same: %s',
  (_, source: BackupSource) => {
    const trimmed = source.kind === 'command' ? { ...source, argv: source.argv.slice(0, -1) } : source;
    expect(sourceOf(draftOf(trimmed), trimmed)).toEqual({ ok: true, source: trimmed });
  },
);

test('every kind begins with a form that says what is missing first', () => {
  for (const kind of Object.keys(KIND_WORDS) as SourceKind[])
    expect(sourceOf(emptyDraft(kind))).toMatchObject({ ok: false, field: 'label' });
});

test.each([
  ['postgres', { label: 'a', port: 'x' }, 'port', 'A number from 1 to 65535.'],
  ['postgres', { label: 'a', login: 'secret_file' }, 'secretPath', 'The absolute path of a file on the machine.'],
  ['postgres', { label: 'a', systemUser: 'a b' }, 'systemUser', 'The name of a user of the machine.'],
  ['mysql', { label: 'a', host: 'db', socket: '/s' }, undefined, 'not by both'],
  ['sqlite', { label: 'a', paths: 'relative.db' }, 'paths', 'absolute path'],
  ['command', { label: 'a', command: 'slapcat', fileName: 'x' }, 'command', 'absolute path'],
  ['command', { label: 'a', command: '/x', fileName: '../x' }, 'fileName', 'begins with a letter'],
  ['command', { label: 'a', command: '/x', fileName: 'x', timeLimitMinutes: '' }, 'timeLimitMinutes', 'minutes'],
  ['files', { label: 'a', paths: '/x', before: 'freeze' }, 'before', 'absolute path'],
] as const)('a mistake in %s is told at its field: %j', (kind, change, field, words) => {
  const answer = sourceOf({ ...emptyDraft(kind), ...change });
  expect(answer).toMatchObject({ ok: false, field, message: expect.stringContaining(words) });
});
