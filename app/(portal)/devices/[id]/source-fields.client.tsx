'use client';
import { Checkbox, SegmentedControl, SimpleGrid, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { type DraftTerms, textFields } from './draft-field.client.tsx';
import type { SourceDraft } from './source-draft.ts';

type Props = DraftTerms<SourceDraft>;

/** The fields of one source, in the order in which a person thinks of them. */
export function SourceFields({ draft, mistake, onChange }: Props): ReactNode {
  const text = textFields({ draft, mistake, onChange });
  const isServer = draft.kind === 'postgres' || draft.kind === 'mysql';
  return (
    <Stack gap="md">
      {text('label', 'Short name', {
        about: 'Part of the path in every restore point. Do not change it later: the files would begin anew.',
        placeholder: 'main',
      })}
      {isServer && <ServerFields {...{ draft, mistake, onChange }} />}
      {draft.kind === 'sqlite' &&
        text('paths', 'Database files', {
          about: 'Absolute paths, one a line.',
          placeholder: '/srv/app/app.db',
          lines: 2,
        })}
      {draft.kind === 'files' &&
        text('paths', 'Folders', { about: 'Absolute paths, one a line.', placeholder: '/srv/app', lines: 2 })}
      {draft.kind === 'command' && (
        <>
          {text('command', 'Command', {
            about: 'The program by its absolute path, then each argument on a line of its own. There is no shell.',
            placeholder: '/usr/sbin/slapcat\n-n\n1',
            lines: 3,
          })}
          {text('fileName', 'Store its output as', { placeholder: 'directory.ldif' })}
        </>
      )}
      {draft.kind !== 'files' &&
        text('timeLimitMinutes', 'Time limit in minutes', {
          about: 'A dump that takes longer is stopped and has failed.',
        })}
      <HookFields {...{ draft, mistake, onChange }} />
    </Stack>
  );
}

function ServerFields({ draft, mistake, onChange }: Props): ReactNode {
  const text = textFields({ draft, mistake, onChange });
  const isPostgres = draft.kind === 'postgres';
  return (
    <>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        {text('host', 'Server', { about: 'Empty: the one on this machine.', placeholder: 'db.example' })}
        {text('port', 'Port', { about: 'Empty: the usual one.', placeholder: isPostgres ? '5432' : '3306' })}
      </SimpleGrid>
      {text('user', 'User of the server')}
      <div>
        <Text size="sm" fw={500} mb={4} id="source-login">
          Signs in
        </Text>
        <SegmentedControl
          aria-labelledby="source-login"
          fullWidth
          value={draft.login}
          onChange={(value) => onChange({ login: value === 'peer' ? 'peer' : 'secret_file' })}
          data={[
            { value: 'peer', label: 'as a user of the machine' },
            { value: 'secret_file', label: 'with a secret file' },
          ]}
        />
      </div>
      {draft.login === 'peer'
        ? text('systemUser', 'User of the machine', {
            about: 'The server believes this user without a password. Empty: the user that the agent runs as.',
          })
        : text('secretPath', 'Secret file on the machine', {
            about: isPostgres
              ? 'In the form of .pgpass, mode 0600, owned by the agent’s user. The password never leaves the machine.'
              : 'In the form of my.cnf with [client], mode 0600, owned by the agent’s user. The password never leaves the machine.',
            placeholder: isPostgres ? '/etc/holdfast/pgpass' : '/etc/holdfast/my.cnf',
          })}
      {text('databases', 'Databases', {
        about: 'One a line. Empty: all that are there at each backup, new ones too.',
        lines: 2,
      })}
      {isPostgres && (
        <Checkbox
          label="Roles and tablespaces of the server too"
          description="They belong to no single database; the user must be allowed to read them."
          checked={draft.globals}
          onChange={(event) => onChange({ globals: event.currentTarget.checked })}
        />
      )}
      {text('socket', 'Socket', {
        about: `Only when the local server does not use the usual one: ${isPostgres ? 'the folder of its socket' : 'the path of its socket'}.`,
      })}
      {text('programFolder', 'Folder of the client programs', {
        about: `Only when ${isPostgres ? 'pg_dump' : 'mysqldump'} is not on the machine’s search path, or is too old there.`,
      })}
    </>
  );
}

function HookFields({ draft, mistake, onChange }: Props): ReactNode {
  const text = textFields({ draft, mistake, onChange });
  return (
    <>
      {text('before', 'Run before', {
        about: 'The program by its absolute path, then each argument on a line. Empty: nothing.',
        lines: 1,
      })}
      {draft.before !== '' && (
        <Checkbox
          label="Go on when it fails"
          checked={draft.beforeGoesOn}
          onChange={(event) => onChange({ beforeGoesOn: event.currentTarget.checked })}
        />
      )}
      {text('after', 'Run after', { about: 'Runs in any case, also when the backup failed or was stopped.', lines: 1 })}
      {draft.after !== '' && (
        <Checkbox
          label="A failure of it is only logged"
          checked={draft.afterGoesOn}
          onChange={(event) => onChange({ afterGoesOn: event.currentTarget.checked })}
        />
      )}
    </>
  );
}
