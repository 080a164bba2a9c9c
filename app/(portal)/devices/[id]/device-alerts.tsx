import type { ReactNode } from 'react';
import type { DeviceView } from '../../../../server/devices/queries.ts';
import { Moment, type PageClock } from '../../../_ui/moment.tsx';
import { Notice } from '../../../_ui/notice.tsx';

/** Alerts where data is at risk are red; the others are warnings. */
const RISKY = new Set(['damage', 'run_failed', 'missed', 'drill_failed']);

/** What is wrong now, what it means for the data and what to do. */
export function DeviceAlerts({ view, clock }: { view: DeviceView; clock: PageClock }): ReactNode {
  return (
    <>
      {view.alerts.map((alert) => (
        <Notice key={alert.id} tone={RISKY.has(alert.kind) ? 'risk' : 'warn'} title={alert.title}>
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
          We check every stored byte, but cannot restore a sample here. Deeper drills run on the customer's own machine.
        </Notice>
      )}
    </>
  );
}
