/** What a policy may say about sources: old documents stay what they were, and nothing dangerous gets in. */
import { describe, expect, test } from 'vitest';
import { backupSources } from './backup-source.ts';
import { policyDocument } from './policy.ts';
import { hookWords, sourceFolder, sourceWords } from './source-words.ts';

const old = {
  paths: ['/srv'],
  schedule: { everyMinutes: 60, windowMinutes: 30 },
  rpoMinutes: 120,
  rtoMinutes: 60,
  drill: { level: 3, everyHours: 24, sampleFiles: 10 },
};
const postgres = { kind: 'postgres', label: 'main', user: 'backup', login: { kind: 'peer' } };
const mysql = { ...postgres, kind: 'mysql' };
const sqlite = { kind: 'sqlite', label: 'app', files: ['/srv/app.db'] };
const command = { kind: 'command', label: 'ldap', argv: ['/usr/sbin/slapcat'], fileName: 'ldap.ldif' };
const files = { kind: 'files', label: 'vm', paths: ['/srv/vm'], before: { argv: ['/usr/local/bin/freeze'] } };

const accepts = (...sources: unknown[]): boolean => backupSources.safeParse(sources).success;

describe('a policy', () => {
  test('without sources is read as it always was, and gains no key', () => {
    expect(Object.keys(policyDocument.parse(old))).not.toContain('sources');
  });

  test('with sources needs no folder, and with neither there is nothing to protect', () => {
    expect(policyDocument.safeParse({ ...old, paths: [], sources: [postgres] }).success).toBe(true);
    expect(policyDocument.safeParse({ ...old, paths: [], sources: [] }).success).toBe(false);
    expect(policyDocument.safeParse({ ...old, paths: [] }).success).toBe(false);
  });

  test('every kind is completed with its defaults', () => {
    expect(backupSources.parse([postgres, mysql, sqlite, command, files])).toMatchObject([
      { databases: 'all', globals: true, timeLimitMinutes: 360 },
      { databases: 'all', timeLimitMinutes: 360 },
      { timeLimitMinutes: 360 },
      { timeLimitMinutes: 360 },
      { before: { timeLimitMinutes: 10, onFailure: 'abort' } },
    ]);
  });
});

describe('is refused:', () => {
  test.each([
    ['a password', { ...postgres, password: 'x' }],
    ['a password in the login', { ...postgres, login: { kind: 'secret_file', path: '/root/.pgpass', password: 'x' } }],
    ['no login', { ...postgres, login: undefined }],
    [
      'another user beside a secret file',
      { ...postgres, login: { kind: 'secret_file', path: '/x', systemUser: 'root' } },
    ],
    ['a host that is an option', { ...postgres, host: '--help' }],
    ['two hosts in one', { ...postgres, host: 'a,b' }],
    ['host and socket', { ...mysql, host: 'db', socket: '/run/mysqld/mysqld.sock' }],
    ['a relative secret file', { ...mysql, login: { kind: 'secret_file', path: 'my.cnf' } }],
    ['a database with a new line', { ...mysql, databases: ['a\nb'] }],
    ['a database twice', { ...mysql, databases: ['a', 'a'] }],
    ['no database', { ...mysql, databases: [] }],
    ['globals of MySQL', { ...mysql, globals: true }],
    ['a label that leads elsewhere', { ...sqlite, label: '..' }],
    ['a label with a slash', { ...sqlite, label: 'a/b' }],
    ['two database files of one name', { ...sqlite, files: ['/a/x.db', '/b/x.db'] }],
    ['a program without its path', { ...command, argv: ['slapcat'] }],
    ['an argument with a NUL', { ...command, argv: ['/bin/echo', 'a\0b'] }],
    ['a file name that leads elsewhere', { ...command, fileName: '../x' }],
    ['a hook without its path', { ...files, before: { argv: ['freeze'] } }],
    ['a time limit of nothing', { ...command, timeLimitMinutes: 0 }],
    ['an unknown kind', { ...command, kind: 'oracle' }],
  ])('%s', (_, source) => {
    expect(accepts(source)).toBe(false);
  });

  test('two sources of one kind with one label; of two kinds they lie apart', () => {
    expect(accepts(postgres, { ...postgres, host: 'other' })).toBe(false);
    expect(accepts(postgres, mysql)).toBe(true);
    expect(accepts(...Array.from({ length: 65 }, (_, at) => ({ ...sqlite, label: `l${at}` })))).toBe(false);
  });
});

test('the words name what is protected, and where it will lie', () => {
  const parsed = backupSources.parse([
    { ...postgres, host: 'db.example', port: 5433, databases: ['shop', 'books'] },
    mysql,
    sqlite,
    command,
    { ...files, after: { argv: ['/usr/local/bin/thaw', '-f'], onFailure: 'warn' } },
  ]);
  expect(parsed.map(sourceWords)).toEqual([
    'PostgreSQL on db.example, port 5433: shop, books',
    'MySQL or MariaDB on this machine: all databases',
    'SQLite: /srv/app.db',
    'the output of /usr/sbin/slapcat, as ldap.ldif',
    '/srv/vm',
  ]);
  expect(parsed.map(sourceFolder)).toEqual([
    '/postgres/main',
    '/mysql/main',
    '/sqlite/app',
    '/commands/ldap',
    undefined,
  ]);
  expect(hookWords(parsed[4]!)).toEqual([
    'before it: /usr/local/bin/freeze',
    'after it: /usr/local/bin/thaw -f (a failure is only logged)',
  ]);
});
