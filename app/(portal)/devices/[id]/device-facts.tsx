import type { ReactNode } from 'react';
import type { DeviceView } from '../../../../server/devices/queries.ts';
import { KeyValues } from '../../../_ui/key-values.tsx';
import { Moment, type PageClock } from '../../../_ui/moment.tsx';
import { Panel } from '../../../_ui/panel.tsx';

/** The machine, its agent and its vault. */
export function DeviceFacts({ view, clock }: { view: DeviceView; clock: PageClock }): ReactNode {
  return (
    <Panel title="Machine and vault">
      <KeyValues
        items={[
          { key: 'Host name', value: view.device.hostname },
          { key: 'System', value: `${view.os}, ${view.arch}` },
          { key: 'Agent', value: `version ${view.agentVersion}` },
          { key: 'Enrolled', value: <Moment atMs={view.enrolledMs} clock={clock} /> },
          {
            key: 'Custody of the key',
            value:
              view.custody === 'escrowed'
                ? 'Escrowed: the provider keeps a drill key, sealed, so that restores can be proven.'
                : 'Held by the customer alone: the provider cannot read this backup.',
          },
          {
            key: 'Repository',
            value: view.repositoryId === null ? 'not made yet' : <span className="hf-mono">{view.repositoryId}</span>,
          },
        ]}
      />
    </Panel>
  );
}
