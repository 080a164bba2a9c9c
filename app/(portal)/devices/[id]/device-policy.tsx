import { Group } from '@mantine/core';
import type { ReactNode } from 'react';
import type { BackupSource } from '../../../../core/domain/backup-source.ts';
import { retentionWords } from '../../../../core/domain/retention-words.ts';
import { limitsWords, scheduleWords } from '../../../../core/domain/schedule-words.ts';
import { hookWords, sourceWords } from '../../../../core/domain/source-words.ts';
import { percentText } from '../../../../core/domain/sla/percent-text.ts';
import type { DeviceView } from '../../../../server/devices/queries.ts';
import { formatCountOf, formatDuration } from '../../../../core/domain/format.ts';
import { KeyValues } from '../../../_ui/key-values.tsx';
import { Panel } from '../../../_ui/panel.tsx';
import { ProtectionDialog } from './protection-dialog.client.tsx';
import { RetentionDialog } from './retention-dialog.client.tsx';

const minutes = (count: number): string => formatDuration(count * 60_000);

/** The values in force, in words; staff may change what is protected. */
export function DevicePolicy({ view, mayChange }: { view: DeviceView; mayChange: boolean }): ReactNode {
  const { id, name, version, document, devices } = view.policy;
  const { paths, excludes, sources = [] } = document;
  const limits = limitsWords(document.limits);
  const note =
    view.policyVersionAtAgent === version
      ? `version ${version}, obeyed by the agent`
      : view.policyVersionAtAgent === 0
        ? `version ${version}, the agent has not confirmed it yet`
        : `version ${version}; the agent still obeys version ${view.policyVersionAtAgent} until its next report`;
  return (
    <div style={{ marginBottom: 16 }}>
      <Panel
        title={`Policy “${name}”`}
        note={note}
        actions={
          mayChange ? (
            <Group gap="xs">
              <RetentionDialog key={version} {...{ policyId: id, version, devices }} retention={document.retention} />
              <ProtectionDialog protection={{ policyId: id, version, devices, paths, excludes, sources }} />
            </Group>
          ) : undefined
        }
      >
        <KeyValues
          items={[
            { key: 'Protects', value: paths.length === 0 ? 'no folders' : <Paths paths={paths} /> },
            ...(sources.length === 0 ? [] : [{ key: 'Also protects', value: <Sources sources={sources} /> }]),
            {
              key: 'Leaves out',
              value: excludes.length === 0 ? 'nothing' : <Paths paths={excludes} />,
            },
            {
              key: 'Backs up',
              value: scheduleWords(document.schedule),
            },
            ...(document.pausedUntilMs === undefined || document.pausedUntilMs <= view.nowMs
              ? []
              : [
                  {
                    key: 'Paused',
                    value: `for another ${formatDuration(document.pausedUntilMs - view.nowMs)}; nothing is expected until then`,
                  },
                ]),
            {
              key: 'Speed',
              value: limits.length === 0 ? 'not limited' : <Lines lines={limits} />,
            },
            { key: 'Keeps', value: retentionWords(document.retention) },
            { key: 'May lose at most', value: `${minutes(document.rpoMinutes)} of work` },
            { key: 'Must be restorable within', value: minutes(document.rtoMinutes) },
            {
              key: 'Restore drill',
              value: `every ${formatDuration(document.drill.everyHours * 3_600_000)}: the canary and ${formatCountOf(document.drill.sampleFiles, 'file')} are restored and compared (level ${document.drill.level})`,
            },
            {
              key: 'Unread files',
              value: `a backup counts while at most ${percentText(document.partialToleranceShare)} of its bytes could not be read`,
            },
            {
              key: 'Restores on the machine',
              value: document.selfRestore ? 'allowed without asking' : 'only when the provider allows one',
            },
          ]}
        />
      </Panel>
    </div>
  );
}

function Lines({ lines }: { lines: readonly string[] }): ReactNode {
  return (
    <ul>
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}

function Sources({ sources }: { sources: readonly BackupSource[] }): ReactNode {
  return (
    <ul>
      {sources.map((source) => (
        <li key={`${source.kind}/${source.label}`} style={{ overflowWrap: 'anywhere' }}>
          {source.label}: {sourceWords(source)}
          {hookWords(source).map((words) => (
            <div key={words} style={{ paddingLeft: 16, color: 'var(--hf-ink-2)' }}>
              {words}
            </div>
          ))}
        </li>
      ))}
    </ul>
  );
}

function Paths({ paths }: { paths: readonly string[] }): ReactNode {
  return (
    <ul>
      {paths.map((path) => (
        <li key={path} className="hf-mono">
          {path}
        </li>
      ))}
    </ul>
  );
}
