import type { ReactNode } from 'react';
import { formatBytes } from '../../../../core/domain/format.ts';
import type { DeviceView } from '../../../../server/devices/queries.ts';
import type { CardView } from '../../../../server/devices/view-card.ts';
import { type KeyValue, KeyValues } from '../../../_ui/key-values.tsx';
import { Moment, type PageClock } from '../../../_ui/moment.tsx';
import { Notice } from '../../../_ui/notice.tsx';
import { Panel } from '../../../_ui/panel.tsx';
import { ClassSelect } from './class-select.client.tsx';
import { DeviceCardDialog } from './device-card.client.tsx';
import { DeviceTags } from './device-tags.client.tsx';
import { VaultQuota } from './vault-quota.client.tsx';

/** The machine, its agent and its vault. */
export function DeviceFacts({
  view,
  clock,
  card,
  mayChange,
  mayAgree,
}: {
  view: DeviceView;
  /** Null for customers. */
  card: CardView | null;
  clock: PageClock;
  mayChange: boolean;
  mayAgree: boolean;
}): ReactNode {
  return (
    <Panel
      title="Machine and vault"
      {...(card === null
        ? {}
        : {
            actions: (
              <DeviceCardDialog
                key={card.notedMs ?? 0}
                deviceId={view.device.id}
                note={card.note}
                values={card.values}
                fields={card.fields}
              />
            ),
          })}
    >
      <KeyValues
        items={[
          { key: 'Host name', value: view.device.hostname },
          { key: 'System', value: `${view.os}, ${view.arch}` },
          {
            key: 'Class',
            value: mayChange ? (
              <ClassSelect deviceId={view.device.id} deviceClass={view.deviceClass} />
            ) : (
              view.deviceClass.is
            ),
          },
          { key: 'Agent', value: `version ${view.agentVersion}` },
          ...(mayChange ? [{ key: 'Tags', value: <DeviceTags deviceId={view.device.id} tags={view.tags} /> }] : []),
          ...(card === null ? [] : cardItems(card)),
          { key: 'Enrolled', value: <Moment atMs={view.enrolledMs} clock={clock} /> },
          {
            key: 'Custody of the key',
            value:
              view.custody === 'escrowed'
                ? 'Escrowed: the provider keeps a drill key, sealed, so that restores can be proven.'
                : 'Held by the customer alone: the provider cannot read this backup.',
          },
          {
            key: 'Storage',
            value: (
              <>
                {formatBytes(view.storedBytes)}
                {view.quotaBytes === null ? ', without a quota ' : ` of ${formatBytes(view.quotaBytes)} `}
                {mayAgree && (
                  <VaultQuota deviceId={view.device.id} deviceName={view.device.name} quotaBytes={view.quotaBytes} />
                )}
              </>
            ),
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

/** What staff wrote in the provider's own columns. */
function cardItems({ values, fields }: CardView): KeyValue[] {
  return fields.flatMap(({ key, label }) => {
    const value = values[key];
    return value === undefined ? [] : [{ key: label, value: String(value) }];
  });
}

/** What staff noted about the device, where whoever opens its page sees it first. */
export function DeviceNote({ card: { note, notedBy } }: { card: CardView }): ReactNode {
  return (
    <Notice tone="calm" title={notedBy === null ? 'Note' : `Note, ${notedBy}`}>
      <span style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>{note}</span>
    </Notice>
  );
}
