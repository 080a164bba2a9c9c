'use client';
import { Button, ColorInput, FileInput, Group, Input, SegmentedControl, Stack, TextInput } from '@mantine/core';
import { type FormEvent, type ReactNode, useState } from 'react';
import { LOGO_BYTES_MAX } from '../../../../core/domain/reports/brand.ts';
import type { BrandView } from '../../../../server/reports/save-brand.ts';
import { Notice } from '../../../_ui/notice.tsx';
import { useSending } from '../../../_ui/use-sending.ts';
import { BrandPreview } from './brand-preview.tsx';

/** What a provider may choose, with the head of a page as it would look. The server checks colour and picture. */
export function BrandForm({ view }: { view: BrandView }): ReactNode {
  const [terms, setTerms] = useState(view.terms);
  /** Undefined: as it was. */
  const [logo, setLogo] = useState<string | null | undefined>(undefined);
  const { isSending, problem, setProblem, send } = useSending();
  const { customer, isOwn, mayChange } = view;
  const change = (part: Partial<BrandView['terms']>): void => setTerms({ ...terms, ...part });

  const save = async (path: string, body: unknown, done: string): Promise<void> => {
    if ((await send(path, body, done)).ok) setLogo(undefined);
  };
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const picture = logo === undefined ? {} : { logo: logo === null ? null : logo.slice(logo.indexOf(',') + 1) };
    void save(
      '/api/report-brand',
      { customerId: customer?.id ?? null, terms, ...picture },
      'Saved for the next reports.',
    );
  };
  const choose = (file: File | null): void => {
    if (file === null) return;
    if (file.size > LOGO_BYTES_MAX) {
      setProblem(`The file is larger than ${LOGO_BYTES_MAX / 1024} kB. Save the logo smaller.`);
      return;
    }
    const reader = new FileReader();
    reader.onload = () => {
      setProblem(null);
      // readAsDataURL gives text.
      if (typeof reader.result === 'string') setLogo(reader.result);
    };
    reader.onerror = () => setProblem('The file could not be read. Choose it once more.');
    reader.readAsDataURL(file);
  };
  const shownLogo = logo === undefined ? view.logo : logo;
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        {!mayChange && (
          <Notice tone="calm" title="An owner changes this">
            You can look at it; an account with the role of an owner can change it.
          </Notice>
        )}
        {problem !== null && (
          <Notice tone="warn" title="Nothing was changed">
            {problem}
          </Notice>
        )}
        <BrandPreview terms={terms} logo={shownLogo} />
        <TextInput
          label="Name"
          description="Who signs the report; where there is no logo it stands in its place."
          value={terms.name}
          maxLength={100}
          required
          disabled={!mayChange}
          onChange={(event) => change({ name: event.currentTarget.value })}
        />
        <ColorInput
          label="Colour"
          description="Of lines and bars. A pale one is refused, for it would vanish on paper."
          format="hex"
          value={terms.accent}
          eyeDropperButtonProps={{ 'aria-label': 'Take a colour from the screen' }}
          disabled={!mayChange}
          onChange={(accent) => change({ accent: accent.toLowerCase() })}
        />
        <Group align="end">
          <FileInput
            label="Logo"
            description="PNG or JPEG, at most 1200 pixels a side and 256 kB. What a camera wrote into it is taken out."
            accept="image/png,image/jpeg"
            placeholder="Choose a file"
            disabled={!mayChange}
            style={{ flex: 1 }}
            onChange={choose}
          />
          {shownLogo !== null && (
            <Button variant="default" disabled={!mayChange} onClick={() => setLogo(null)}>
              Without a logo
            </Button>
          )}
        </Group>
        <TextInput
          label="At the foot of each page"
          description="Such as your address and phone."
          value={terms.footer}
          maxLength={200}
          disabled={!mayChange}
          onChange={(event) => change({ footer: event.currentTarget.value })}
        />
        <TextInput
          label="In an emergency"
          description="Whom a customer reaches when data is lost, and when."
          value={terms.contact}
          maxLength={200}
          disabled={!mayChange}
          onChange={(event) => change({ contact: event.currentTarget.value })}
        />
        <Input.Wrapper label="Paper" labelElement="div">
          <SegmentedControl
            display="flex"
            w="fit-content"
            aria-label="Size of the paper"
            value={terms.paper}
            disabled={!mayChange}
            data={[
              { value: 'A4', label: 'A4' },
              { value: 'LETTER', label: 'US Letter' },
            ]}
            onChange={(paper) => change({ paper: paper === 'LETTER' ? 'LETTER' : 'A4' })}
          />
        </Input.Wrapper>
        <Group justify="flex-end">
          {customer !== null && isOwn && (
            <Button
              variant="default"
              disabled={!mayChange || isSending}
              onClick={() =>
                void save(
                  `/api/report-brand/${customer.id}/removal`,
                  {},
                  'Its reports look like those of all customers.',
                )
              }
            >
              Look like all others
            </Button>
          )}
          <Button type="submit" loading={isSending} disabled={!mayChange}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
