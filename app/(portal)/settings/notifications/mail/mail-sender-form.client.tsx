'use client';
import { Button, Checkbox, FileInput, Group, NumberInput, PasswordInput, Stack, TextInput } from '@mantine/core';
import { type FormEvent, type ReactNode, useState } from 'react';
import type { MailSenderView } from '../../../../../server/delivery/view.ts';
import { Notice } from '../../../../_ui/notice.tsx';
import { useSending } from '../../../../_ui/use-sending.ts';
import classes from '../notifications.module.css';

export function MailSenderForm({ sender }: { sender: MailSenderView }): ReactNode {
  const [form, setForm] = useState({ ...sender, password: '' });
  const [hasServer, setHasServer] = useState(sender.hasOwnServer || sender.operatorsAddress === null);
  const [logo, setLogo] = useState<File | null>(null);
  const [dropsLogo, setDropsLogo] = useState(false);
  const { isSending, problem, send } = useSending();
  const set = (part: Partial<typeof form>): void => setForm((before) => ({ ...before, ...part }));

  const save = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const { host, port, username, password } = form;
    const wish = {
      fromName: form.fromName,
      fromAddress: form.fromAddress,
      replyTo: form.replyTo === '' ? null : form.replyTo,
      server: hasServer ? { host, port, username, ...(password === '' ? {} : { password }) } : null,
      ...(logo !== null ? { logo: await base64Of(logo) } : dropsLogo ? { logo: null } : {}),
    };
    const answer = await send('/api/mail-sender', wish, 'Saved. Send a test through a channel by e-mail.');
    if (answer.ok) set({ password: '' });
  };

  return (
    <form onSubmit={(event) => void save(event)}>
      <Stack gap="md">
        {problem !== null && (
          <Notice tone="warn" title="Nothing was saved">
            {problem}
          </Notice>
        )}
        <div className={classes.pair}>
          <TextInput
            label="Name"
            value={form.fromName}
            onChange={(event) => set({ fromName: event.currentTarget.value })}
            required
            withAsterisk={false}
            maxLength={80}
          />
          <TextInput
            label="Address"
            type="email"
            value={form.fromAddress}
            onChange={(event) => set({ fromAddress: event.currentTarget.value })}
            required
            withAsterisk={false}
            maxLength={254}
          />
        </div>
        <TextInput
          label="Answers go to (optional)"
          type="email"
          value={form.replyTo}
          onChange={(event) => set({ replyTo: event.currentTarget.value })}
          maxLength={254}
        />
        <FileInput
          label="Logo (optional)"
          description={
            sender.hasLogo
              ? 'One is stored. A PNG of up to 40 KiB replaces it.'
              : 'A PNG of up to 40 KiB; it travels inside the mail.'
          }
          accept="image/png"
          value={logo}
          onChange={setLogo}
          placeholder="Choose a file"
          clearable
        />
        {sender.hasLogo && logo === null && (
          <Checkbox
            label="Send mail without the logo"
            checked={dropsLogo}
            onChange={(event) => setDropsLogo(event.currentTarget.checked)}
          />
        )}
        {sender.operatorsAddress !== null && (
          <Checkbox
            label="Through a server of our own"
            description={`Otherwise through that of the service, which sends as ${sender.operatorsAddress}.`}
            checked={hasServer}
            onChange={(event) => setHasServer(event.currentTarget.checked)}
          />
        )}
        {hasServer && (
          <>
            <div className={classes.pair}>
              <TextInput
                label="Server"
                placeholder="smtp.your-company.com"
                value={form.host}
                onChange={(event) => set({ host: event.currentTarget.value })}
                required
                withAsterisk={false}
              />
              <NumberInput
                label="Port"
                description="587 with STARTTLS, 465 with TLS at once"
                inputWrapperOrder={['label', 'input', 'description', 'error']}
                value={form.port}
                onChange={(value) => set({ port: Number(value) })}
                min={1}
                max={65_535}
                required
                withAsterisk={false}
              />
            </div>
            <div className={classes.pair}>
              <TextInput
                label="User name (optional)"
                value={form.username}
                onChange={(event) => set({ username: event.currentTarget.value })}
                autoComplete="off"
              />
              <PasswordInput
                label="Password"
                placeholder={sender.hasPassword ? 'Stored. Leave empty to keep it.' : ''}
                value={form.password}
                onChange={(event) => set({ password: event.currentTarget.value })}
                autoComplete="new-password"
              />
            </div>
          </>
        )}
        <Group justify="flex-end">
          <Button type="submit" loading={isSending}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

async function base64Of(file: File): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}
