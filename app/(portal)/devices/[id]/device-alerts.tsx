import type { ReactNode } from 'react';
import type { DeviceView } from '../../../../server/devices/queries.ts';
import { agentTooOld } from '../../../../server/drills/order-agent-drill.ts';
import { Moment, type PageClock } from '../../../_ui/moment.tsx';
import { Notice } from '../../../_ui/notice.tsx';

/** Red where data is at risk, and nowhere else. */
const TONES = { risk: 'risk', warn: 'warn', info: 'calm' } as const;

/** What is wrong now, what it means for the data and what to do. */
export function DeviceAlerts({ view, clock }: { view: DeviceView; clock: PageClock }): ReactNode {
  const tooOld = agentTooOld(view.agentVersion);
  return (
    <>
      {view.alerts.map((alert) => (
        <Notice key={alert.id} tone={TONES[alert.severity]} title={alert.title}>
          {alert.message} <span className="hf-quiet">Open for </span>
          <Moment atMs={alert.openedMs} clock={clock} form="length" />.
        </Notice>
      ))}
      {view.suspectedCloneMs !== null && (
        <Notice tone="warn" title="Two machines seem to use this device's identity">
          Both report as {view.device.name}. Their backups go to one vault and may not be what you expect. Enrol the
          copied machine again as a device of its own.
        </Notice>
      )}
      {view.custody === 'customer_held' && (
        <Notice tone="calm" title="The customer alone holds the key">
          Every stored byte is checked here, but nothing can be restored: the machine itself restores samples in restore
          tests (level 3), and the service compares them.
          {tooOld !== null && ` Its agent (${tooOld.has}) cannot do that yet: update it to ${tooOld.needed} or newer.`}
        </Notice>
      )}
    </>
  );
}
