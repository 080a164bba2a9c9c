'use client';
import { Button, Group, Menu, Modal, Textarea } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { type FormEvent, type ReactNode, useState } from 'react';
import type { BackupSource } from '../../../../core/domain/backup-source.ts';
import { sourceWords } from '../../../../core/domain/source-words.ts';
import { Notice } from '../../../_ui/notice.tsx';
import { useSending } from '../../../_ui/use-sending.ts';
import classes from './protection-dialog.module.css';
import {
  draftOf,
  emptyDraft,
  KIND_WORDS,
  linesOf,
  type SourceDraft,
  type SourceKind,
  sourceOf,
} from './source-draft.ts';
import { SourceFields } from './source-fields.client.tsx';

export interface Protection {
  readonly policyId: string;
  readonly version: number;
  readonly devices: number;
  readonly paths: readonly string[];
  readonly excludes: readonly string[];
  readonly sources: readonly BackupSource[];
}

/** One source under the hand; `at` is its place in the list, or undefined for a new one. */
interface Editing {
  readonly at: number | undefined;
  readonly draft: SourceDraft;
}

/** Changes what a policy protects, as a whole: folders, databases, commands. */
export function ProtectionDialog({ protection }: { protection: Protection }): ReactNode {
  const [isOpen, dialog] = useDisclosure(false);
  return (
    <>
      <Button variant="default" size="xs" onClick={dialog.open}>
        Change what is protected…
      </Button>
      <Modal
        opened={isOpen}
        onClose={dialog.close}
        title="What is protected"
        size="lg"
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        {isOpen && <ProtectionForm protection={protection} onClose={dialog.close} />}
      </Modal>
    </>
  );
}

function ProtectionForm({ protection, onClose }: { protection: Protection; onClose: () => void }): ReactNode {
  const [paths, setPaths] = useState(protection.paths.join('\n'));
  const [excludes, setExcludes] = useState(protection.excludes.join('\n'));
  const [sources, setSources] = useState(protection.sources);
  const [editing, setEditing] = useState<Editing | null>(null);
  const { isSending, problem, send } = useSending();

  const save = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const { policyId, version } = protection;
    const wish = { version, paths: linesOf(paths), excludes: linesOf(excludes), sources };
    const done = 'Saved. The devices obey it from their next report on.';
    if ((await send(`/api/policies/${policyId}/protection`, wish, done)).ok) onClose();
  };

  if (editing !== null)
    return (
      <SourceForm
        editing={editing}
        others={sources.filter((_, at) => at !== editing.at)}
        former={editing.at === undefined ? undefined : sources[editing.at]}
        onCancel={() => setEditing(null)}
        onKeep={(source) => {
          setSources(editing.at === undefined ? [...sources, source] : sources.with(editing.at, source));
          setEditing(null);
        }}
      />
    );
  return (
    <form onSubmit={(event) => void save(event)} className={classes.form}>
      {problem !== null && (
        <Notice tone="risk" title="Nothing was changed">
          {problem}
        </Notice>
      )}
      <Textarea
        label="Folders and files"
        description="Absolute paths on the machine, one a line."
        value={paths}
        onChange={(event) => setPaths(event.currentTarget.value)}
        autosize
        minRows={2}
        maxRows={8}
      />
      <Textarea
        label="Left out"
        description="Names, patterns such as *.tmp, or absolute paths, one a line."
        value={excludes}
        onChange={(event) => setExcludes(event.currentTarget.value)}
        autosize
        minRows={1}
        maxRows={8}
      />
      <SourceList
        sources={sources}
        onEdit={(at, source) => setEditing({ at, draft: draftOf(source) })}
        onRemove={(at) => setSources(sources.toSpliced(at, 1))}
        onAdd={(kind) => setEditing({ at: undefined, draft: emptyDraft(kind) })}
      />
      <p className={classes.note}>
        {protection.devices === 1
          ? 'One device obeys this policy.'
          : `${protection.devices} devices obey this policy; the change is for all of them.`}{' '}
        What is no longer protected stays in the restore points that exist.
      </p>
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

function SourceList({
  sources,
  onEdit,
  onRemove,
  onAdd,
}: {
  sources: readonly BackupSource[];
  onEdit: (at: number, source: BackupSource) => void;
  onRemove: (at: number) => void;
  onAdd: (kind: SourceKind) => void;
}): ReactNode {
  const kinds = Object.entries(KIND_WORDS) as [SourceKind, string][]; // its keys are the kinds
  return (
    <section aria-labelledby="protection-sources">
      <h3 id="protection-sources" className={classes.heading}>
        Databases and commands
      </h3>
      {sources.length === 0 && <p className={classes.note}>None yet.</p>}
      <ul className={classes.list}>
        {sources.map((source, at) => (
          <li key={`${source.kind}/${source.label}`} className={classes.source}>
            <div className={classes.words}>
              <strong>{source.label}</strong>
              <span>{sourceWords(source)}</span>
            </div>
            <Group gap="xs" wrap="nowrap">
              <Button
                variant="default"
                size="compact-sm"
                aria-label={`Change ${source.label}`}
                onClick={() => onEdit(at, source)}
              >
                Change
              </Button>
              <Button
                variant="subtle"
                color="gray"
                size="compact-sm"
                aria-label={`Remove ${source.label}`}
                onClick={() => onRemove(at)}
              >
                Remove
              </Button>
            </Group>
          </li>
        ))}
      </ul>
      <Menu position="bottom-start" withinPortal>
        <Menu.Target>
          <Button variant="default" size="xs">
            Add…
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {kinds.map(([kind, words]) => (
            <Menu.Item key={kind} onClick={() => onAdd(kind)}>
              {words}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
    </section>
  );
}

function SourceForm({
  editing,
  others,
  former,
  onCancel,
  onKeep,
}: {
  editing: Editing;
  others: readonly BackupSource[];
  former: BackupSource | undefined;
  onCancel: () => void;
  onKeep: (source: BackupSource) => void;
}): ReactNode {
  const [draft, setDraft] = useState(editing.draft);
  const [problem, setProblem] = useState<Extract<ReturnType<typeof sourceOf>, { ok: false }> | null>(null);
  const keep = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const answer = sourceOf(draft, former);
    const form = event.currentTarget;
    // The field may be far above the button: a mistake that nobody sees looks like a button that does nothing.
    const showMistake = (): void => form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
    if (!answer.ok) {
      setProblem(answer);
      setTimeout(showMistake);
      return;
    }
    const isTaken = others.some(({ kind, label }) => kind === answer.source.kind && label === answer.source.label);
    if (isTaken) {
      setProblem({ ok: false, field: 'label', message: 'Another one of this kind has this name.' });
      setTimeout(showMistake);
    } else onKeep(answer.source);
  };
  const isProgram = draft.kind === 'command' || draft.before !== '' || draft.after !== '';
  return (
    <form onSubmit={keep} className={classes.form} noValidate>
      <h3 className={classes.heading}>{KIND_WORDS[draft.kind]}</h3>
      {problem !== null && problem.field === undefined && (
        <Notice tone="risk" title="This cannot be kept yet">
          {problem.message}
        </Notice>
      )}
      <SourceFields
        draft={draft}
        mistake={problem}
        onChange={(change) => {
          setDraft({ ...draft, ...change });
          setProblem(null);
        }}
      />
      {isProgram && (
        <Notice tone="calm" title="The machine decides what may run">
          Each program must stand in the file allowed-programs of the agent’s folder on the machine. Until then the
          backup says what is missing.
        </Notice>
      )}
      <Group justify="flex-end">
        <Button variant="default" onClick={onCancel}>
          Back
        </Button>
        <Button type="submit">Keep</Button>
      </Group>
    </form>
  );
}
