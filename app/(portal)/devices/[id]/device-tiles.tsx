import type { ReactNode } from 'react';
import { rhythmWords } from '../../../../core/domain/schedule-words.ts';
import type { DeviceView } from '../../../../server/devices/queries.ts';
import { formatBytes, formatCountOf, formatDuration } from '../../../../core/domain/format.ts';
import { MetricRow, MetricTile } from '../../../_ui/metric-tile.tsx';
import { Moment, type PageClock } from '../../../_ui/moment.tsx';
import { LEVEL_WORDS } from '../../../_ui/state-words.ts';

/** The figures of a device: data age, proof, next backup, what is stored, when it was heard of. */
export function DeviceTiles({ view, clock }: { view: DeviceView; clock: PageClock }): ReactNode {
  const { device } = view;
  const share = device.dataAtMs === null ? null : (view.nowMs - device.dataAtMs) / device.rpoMs;
  return (
    <MetricRow>
      <MetricTile
        name="Data age"
        value={<Moment atMs={device.dataAtMs} clock={clock} form="length" empty="no backup yet" />}
        note={`target ${formatDuration(device.rpoMs)}`}
        {...(share === null ? {} : { share })}
        {...(share !== null && share > 1 ? { tone: 'warn' as const } : {})}
      />
      <MetricTile
        name="Last proven restore"
        value={<Moment atMs={device.proofAtMs} clock={clock} empty="never" />}
        note={
          device.level === null
            ? 'the newest point is not checked yet'
            : `newest point: level ${device.level}, ${LEVEL_WORDS[device.level] ?? 'checked'}`
        }
        {...(device.protection.state === 'proven' ? { tone: 'good' as const } : {})}
      />
      <MetricTile
        name="Next backup expected"
        value={<Moment atMs={device.nextDueMs} clock={clock} empty="none planned" />}
        note={rhythmWords(view.policy.document.schedule)}
      />
      <MetricTile
        name="Stored"
        value={formatBytes(view.storedBytes)}
        note={`${formatCountOf(view.storedObjects, 'object')}, compressed and encrypted`}
      />
      <MetricTile
        name="Last heard of"
        value={<Moment atMs={device.lastSeenMs} clock={clock} />}
        note={`agent ${view.agentVersion}`}
      />
    </MetricRow>
  );
}
