import type { ReactNode } from 'react';
import { formatDuration, formatShort } from '../../../../core/domain/format.ts';
import { bootWords } from '../../../../core/domain/system-test-words.ts';
import type { BootTest } from '../../../../core/domain/system-tests.ts';
import type { SystemTestsView } from '../../../../server/drills/change-system-tests.ts';
import { KeyValues } from '../../../_ui/key-values.tsx';
import type { PageClock } from '../../../_ui/moment.tsx';
import { Panel } from '../../../_ui/panel.tsx';
import classes from './system-test.module.css';
import { SystemTestDialog } from './system-test-dialog.client.tsx';

/** What a restore test of level 5 does with this device: shown to everybody, changed by staff. */
export function SystemTestPanel({
  deviceId,
  view,
  clock,
  mayChange,
}: {
  deviceId: string;
  view: SystemTestsView;
  clock: PageClock;
  mayChange: boolean;
}): ReactNode {
  const { boot, script } = view.tests;
  const by =
    view.changedMs === null
      ? undefined
      : `changed by ${view.changedByName ?? 'your provider'}, ${formatShort(view.changedMs, clock.timeZone)}`;
  return (
    <div className={classes.panel}>
      <Panel
        title="Test of the whole system"
        note={by}
        actions={
          mayChange ? (
            <SystemTestDialog
              deviceId={deviceId}
              version={view.version}
              tests={view.tests}
              hasPassword={view.hasPassword}
            />
          ) : undefined
        }
      >
        {boot === undefined && script === undefined ? (
          <p className="hf-quiet">
            Nobody has said yet how the whole system is tested. Until then restore tests of this device reach level 3,
            or 4 where a database is opened.
          </p>
        ) : (
          <KeyValues
            items={[
              ...(boot === undefined
                ? []
                : [
                    { key: 'Starts', value: imageWords(boot) },
                    { key: 'Machine', value: machineWords(boot) },
                    { key: 'It is up when', value: <Lines lines={bootWords(boot)} /> },
                  ]),
              ...(script === undefined
                ? []
                : [
                    {
                      key: 'Runs a script',
                      value: (
                        <>
                          {script.name}, at most {formatDuration(script.withinSeconds * 1000)}
                          {script.needs.length > 0 && <>, with {script.needs.join(', ')}</>}
                          <details className={classes.script}>
                            <summary>Show the script</summary>
                            {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a box that scrolls must be reachable by keyboard */}
                            <pre tabIndex={0} aria-label={`The script ${script.name}`}>
                              {script.text}
                            </pre>
                          </details>
                        </>
                      ),
                    },
                  ]),
            ]}
          />
        )}
      </Panel>
    </div>
  );
}

function imageWords({ image }: BootTest): ReactNode {
  return image === 'only' ? 'the one disk image of the restore point' : <span className="hf-mono">{image}</span>;
}

const DISK_WORDS: Readonly<Record<BootTest['disk'], string>> = { virtio: 'virtio', sata: 'SATA', ide: 'IDE' };

function machineWords({ memoryMiB, cpus, disk, firmware, withinSeconds }: BootTest): string {
  return `${memoryMiB} MiB, ${cpus === 1 ? 'one processor' : `${cpus} processors`}, disk on ${DISK_WORDS[disk]}${firmware === 'uefi' ? ', by UEFI' : ''}; at most ${formatDuration(withinSeconds * 1000)}`;
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
