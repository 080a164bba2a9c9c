'use client';
import { Checkbox, PasswordInput, Select, SimpleGrid } from '@mantine/core';
import type { ReactNode } from 'react';
import { type DraftTerms, textFields } from './draft-field.client.tsx';
import classes from './system-test.module.css';
import { PASSWORD_WORD, type SystemTestDraft } from './system-test-draft.ts';

type Props = DraftTerms<SystemTestDraft>;

const DISKS = [
  { value: 'virtio', label: 'virtio (most Linux systems)' },
  { value: 'sata', label: 'SATA' },
  { value: 'ide', label: 'IDE (old systems)' },
];

const FIRMWARES = [
  { value: 'bios', label: 'BIOS' },
  { value: 'uefi', label: 'UEFI' },
];

export function BootFields({ draft, mistake, onChange, hasPassword }: Props & { hasPassword: boolean }): ReactNode {
  const text = textFields({ draft, mistake, onChange });
  return (
    <>
      <fieldset className={classes.part}>
        <legend>The machine</legend>
        {text('image', 'Disk image', {
          about:
            'Its path in the restore point: raw, qcow2, vmdk, vdi, vhd or vhdx. Empty: the only image that there is.',
          placeholder: '/var/lib/libvirt/images/web.qcow2',
        })}
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          {text('memoryMiB', 'Memory in MiB')}
          {text('cpus', 'Processors')}
          <Select
            label="Disk attached as"
            data={DISKS}
            value={draft.disk}
            onChange={(value) => onChange({ disk: (value ?? 'virtio') as SystemTestDraft['disk'] })}
            allowDeselect={false}
          />
          <Select
            label="Starts by"
            data={FIRMWARES}
            value={draft.firmware}
            error={mistake?.field === 'firmware' ? mistake.message : undefined}
            onChange={(value) => onChange({ firmware: (value ?? 'bios') as SystemTestDraft['firmware'] })}
            allowDeselect={false}
          />
          {text('withinSeconds', 'May take, in seconds')}
        </SimpleGrid>
      </fieldset>
      <fieldset className={classes.part}>
        <legend>It is up when</legend>
        {text('serial', 'A text on the serial console', { placeholder: 'login:' })}
        <Checkbox
          label="Something is on the screen and stays"
          description="A blank screen, and what the firmware says, count for nothing."
          checked={draft.hasScreen}
          onChange={(event) => onChange({ hasScreen: event.currentTarget.checked })}
        />
        {draft.hasScreen && (
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            {text('stableSeconds', 'Stays for, in seconds')}
            {text('contains', 'With this text', { about: 'Only where the screen shows plain text.' })}
          </SimpleGrid>
        )}
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          {text('port', 'A port answers', { about: 'Empty: none is asked.', placeholder: '80' })}
          {text('portExpect', 'With this text in its answer', {
            about: 'A connection alone shows nothing.',
            placeholder: '200 OK',
          })}
          {text('portSend', 'After it was sent', {
            about: 'For services that wait: \\r\\n ends a line.',
            placeholder: 'GET / HTTP/1.0\\r\\n\\r\\n',
          })}
          {text('address', 'Address of the system', {
            about: 'Empty: it asks for one by DHCP.',
            placeholder: '192.168.1.10',
          })}
        </SimpleGrid>
        {text('login', 'A sign-in at the serial console works', {
          about: `A step a line: what is waited for, “ | ”, what is typed. ${PASSWORD_WORD} stands for the password.`,
          placeholder: `login: | root\nPassword: | ${PASSWORD_WORD}\n#`,
          lines: 3,
        })}
        {draft.login.includes(PASSWORD_WORD) && (
          <PasswordInput
            label="Password"
            description={
              hasPassword
                ? 'Empty: the one that is kept. It is sealed, and part of no evidence.'
                : 'It is kept sealed, and part of no evidence. Use an account that can do nothing else.'
            }
            autoComplete="new-password"
            value={draft.password}
            onChange={(event) => onChange({ password: event.currentTarget.value })}
          />
        )}
      </fieldset>
    </>
  );
}

export function ScriptFields({ draft, mistake, onChange }: Props): ReactNode {
  const text = textFields({ draft, mistake, onChange });
  return (
    <fieldset className={classes.part}>
      <legend>The script</legend>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        {text('scriptName', 'Name', { placeholder: 'the shop answers' })}
        {text('scriptSeconds', 'May take, in seconds')}
      </SimpleGrid>
      <div className={classes.code}>
        {text('scriptText', 'Text', {
          about:
            'HOLDFAST_RESTORED is the folder of what was restored, by its paths; HOLDFAST_SCRATCH one to write in.',
          lines: 8,
        })}
      </div>
      {text('needs', 'Needs these files and folders', {
        about: 'Paths in the restore point, one a line. A test of a sample restores them, too.',
        placeholder: '/srv/shop',
        lines: 2,
      })}
    </fieldset>
  );
}
