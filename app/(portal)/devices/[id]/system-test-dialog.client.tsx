'use client';
import { Button, Checkbox, Group, Modal } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { type FormEvent, type ReactNode, useState } from 'react';
import type { SystemTests } from '../../../../core/domain/system-tests.ts';
import { Notice } from '../../../_ui/notice.tsx';
import { useSending } from '../../../_ui/use-sending.ts';
import classes from './system-test.module.css';
import { systemDraftOf, type SystemTestAnswer, systemTestsOf } from './system-test-draft.ts';
import { BootFields, ScriptFields } from './system-test-fields.client.tsx';

interface Props {
  readonly deviceId: string;
  readonly version: number;
  readonly tests: SystemTests;
  readonly hasPassword: boolean;
}

/** Says what a restore test of level 5 does with a device: start its image, run a script, or both. */
export function SystemTestDialog(props: Props): ReactNode {
  const [isOpen, dialog] = useDisclosure(false);
  return (
    <>
      <Button variant="default" size="xs" onClick={dialog.open}>
        Change how it is tested…
      </Button>
      <Modal
        opened={isOpen}
        onClose={dialog.close}
        title="Test of the whole system"
        size="lg"
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        {isOpen && <SystemTestForm {...props} onClose={dialog.close} />}
      </Modal>
    </>
  );
}

function SystemTestForm({
  deviceId,
  version,
  tests,
  hasPassword,
  onClose,
}: Props & { onClose: () => void }): ReactNode {
  const [draft, setDraft] = useState(() => systemDraftOf(tests));
  const [mistake, setMistake] = useState<Extract<SystemTestAnswer, { ok: false }> | null>(null);
  const { isSending, send } = useSending();
  const terms = {
    draft,
    mistake,
    onChange: (change: Partial<typeof draft>) => {
      setDraft({ ...draft, ...change });
      setMistake(null);
    },
  };

  const save = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    const answer = systemTestsOf(draft);
    if (!answer.ok) {
      setMistake(answer);
      // The field may be far above the button: a mistake that nobody sees looks like a button that does nothing.
      setTimeout(() => form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
      return;
    }
    const password = draft.password === '' ? {} : { password: draft.password };
    const sent = await send(
      `/api/devices/${deviceId}/system-tests`,
      { version, tests: answer.tests, ...password },
      'Saved. The next restore test of level 5 does it.',
    );
    if (sent.ok) onClose();
    else setMistake({ ok: false, field: undefined, message: sent.message });
  };

  return (
    <form onSubmit={(event) => void save(event)} className={classes.form} noValidate>
      {mistake !== null && mistake.field === undefined && (
        <Notice tone="risk" title="Nothing was changed">
          {mistake.message}
        </Notice>
      )}
      <Checkbox
        label="Start the system from its disk image"
        description="In an emulated PC without a network. The restored image stays as it is."
        checked={draft.hasBoot}
        onChange={(event) => terms.onChange({ hasBoot: event.currentTarget.checked })}
      />
      {draft.hasBoot && <BootFields {...terms} hasPassword={hasPassword} />}
      <Checkbox
        label="Run a script on what was restored"
        description="By sh, in a sandbox without a network. Exit code 0 says that it works."
        checked={draft.hasScript}
        onChange={(event) => terms.onChange({ hasScript: event.currentTarget.checked })}
      />
      {draft.hasScript && <ScriptFields {...terms} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button type="submit" loading={isSending}>
          Save
        </Button>
      </Group>
    </form>
  );
}
