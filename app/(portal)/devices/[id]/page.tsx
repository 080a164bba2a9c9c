import { IconArrowBackUp, IconDatabaseImport, IconFileCheck, IconShieldCheck } from '@tabler/icons-react';
import type { Metadata } from 'next';
import type { ReactNode } from 'react';
import { z } from 'zod';
import { viewGrowth } from '../../../../server/alerts/growth-history.ts';
import { viewSystemTests } from '../../../../server/drills/change-system-tests.ts';
import { type DeviceView, viewDevice } from '../../../../server/devices/queries.ts';
import { viewDeviceCoverage } from '../../../../server/inventory/view-coverage.ts';
import type { IdProps, SearchProps } from '../../../_server/page-props.ts';
import { orNotFound, pageScope } from '../../../_server/session.ts';
import { ActionButton } from '../../../_ui/action-button.client.tsx';
import { customerCrumbs } from '../../../_ui/customer-crumbs.ts';
import { LiveRefresh } from '../../../_ui/live-refresh.client.tsx';
import type { PageClock } from '../../../_ui/moment.tsx';
import { PageHeader } from '../../../_ui/page-header.tsx';
import { RestoreDialog } from '../../../_ui/restore-dialog.client.tsx';
import { formatShort } from '../../../../core/domain/format.ts';
import { PROTECTION_WORDS } from '../../../_ui/state-words.ts';
import { StatusBadge } from '../../../_ui/status-badge.tsx';
import { TabLinks } from '../../../_ui/tab-links.tsx';
import { viewCard } from '../../../../server/devices/view-card.ts';
import { DeviceAlerts } from './device-alerts.tsx';
import { DeviceFacts, DeviceNote } from './device-facts.tsx';
import { DeviceGrowth } from './device-growth.tsx';
import { DeviceHeld } from './device-held.tsx';
import { DeviceHistory } from './device-history.tsx';
import { DrillTable, PointTable, RunTable, VerificationTable } from './device-lists.tsx';
import { DevicePolicy } from './device-policy.tsx';
import { deviceSentence } from './device-sentence.ts';
import { DeviceTiles } from './device-tiles.tsx';
import { DeviceWork } from './device-work.tsx';
import { SystemTestPanel } from './system-test-panel.tsx';

const TABS = ['points', 'runs', 'changes', 'drills', 'checks', 'policy'] as const;
const query = z.object({ tab: z.enum(TABS).catch('points') });

export const metadata: Metadata = { title: 'Device' };

export default async function DevicePage({ params, searchParams }: IdProps & SearchProps): Promise<ReactNode> {
  const { services, scope, isStaff } = await pageScope();
  const { id } = await params;
  const { tab } = query.parse(await searchParams);
  const view = await orNotFound(viewDevice(services, scope, id));
  const growth = tab === 'changes' ? await viewGrowth(services, scope, id) : undefined;
  const system = tab === 'policy' ? await viewSystemTests(services, scope, id) : undefined;
  // Customers do not see what staff write about their machines.
  const card = isStaff ? await viewCard(services, scope, id) : null;
  const { device } = view;
  const held =
    tab === 'policy'
      ? await viewDeviceCoverage(services, scope, { customerId: device.customerId, deviceId: id })
      : undefined;
  const clock: PageClock = { nowMs: view.nowMs, timeZone: device.timeZone };
  return (
    <>
      <LiveRefresh isActive={device.isBusy} />
      <PageHeader
        crumbs={customerCrumbs(isStaff, { id: device.customerId, name: device.customerName })}
        eyebrow={device.name}
        badge={<StatusBadge state={PROTECTION_WORDS[device.protection.state]} size="lg" />}
        sentence={deviceSentence(device, view.nowMs)}
        actions={isStaff ? <DeviceActions view={view} clock={clock} /> : undefined}
      />
      <DeviceAlerts view={view} clock={clock} />
      <DeviceWork view={view} clock={clock} />
      {card !== null && card.note !== '' && <DeviceNote card={card} />}
      <DeviceTiles view={view} clock={clock} />
      <DeviceHistory view={view} clock={clock} />
      <TabLinks
        label="About this device"
        current={tab}
        tabs={[
          { key: 'points', label: 'Restore points', href: `/devices/${id}`, count: view.points.length },
          { key: 'runs', label: 'Backups', href: `/devices/${id}?tab=runs`, count: view.runs.length },
          { key: 'changes', label: 'Changes', href: `/devices/${id}?tab=changes` },
          { key: 'drills', label: 'Drills', href: `/devices/${id}?tab=drills`, count: view.drills.length },
          { key: 'checks', label: 'Integrity', href: `/devices/${id}?tab=checks`, count: view.verifications.length },
          { key: 'policy', label: 'Policy and agent', href: `/devices/${id}?tab=policy` },
        ]}
      />
      {tab === 'points' && <PointTable view={view} clock={clock} />}
      {tab === 'runs' && <RunTable view={view} clock={clock} />}
      {growth !== undefined && <DeviceGrowth growth={growth} clock={clock} />}
      {tab === 'drills' && <DrillTable view={view} clock={clock} />}
      {tab === 'checks' && <VerificationTable view={view} clock={clock} />}
      {tab === 'policy' && (
        <>
          <DevicePolicy view={view} mayChange={isStaff} />
          {system !== undefined && <SystemTestPanel deviceId={id} view={system} clock={clock} mayChange={isStaff} />}
          {held !== undefined && (
            <div style={{ marginBottom: 16 }}>
              <DeviceHeld held={held} customerId={device.customerId} clock={clock} />
            </div>
          )}
          <DeviceFacts view={view} card={card} clock={clock} mayChange={isStaff} mayAgree={scope.role === 'owner'} />
        </>
      )}
    </>
  );
}

function DeviceActions({ view, clock }: { view: DeviceView; clock: PageClock }): ReactNode {
  const { device } = view;
  const newest = view.points.find((point) => point.state === 'sealed' && point.isUsable);
  const isWaiting = view.commands.some(
    (command) => command.kind === 'backup_now' && (command.state === 'pending' || command.state === 'delivered'),
  );
  const isRunning = view.runs.some((run) => run.state === 'running' || run.state === 'committed');
  const isActive = (state: string): boolean => state === 'queued' || state === 'running';
  const restorable = view.points.filter((point) => point.state === 'sealed');
  return (
    <>
      <ActionButton
        path={`/api/devices/${device.id}/backup`}
        done="Asked for. The device begins with its next report, within a minute."
        icon={<IconDatabaseImport size={16} />}
        variant="filled"
        isBusyAlready={isWaiting || isRunning}
      >
        Back up now
      </ActionButton>
      {newest !== undefined && (
        <>
          <ActionButton
            path={`/api/restore-points/${newest.id}/drill`}
            done="The restore drill is queued."
            icon={<IconShieldCheck size={16} />}
            isBusyAlready={view.drills.some((drill) => isActive(drill.state))}
          >
            Drill now
          </ActionButton>
          <ActionButton
            path={`/api/restore-points/${newest.id}/verification`}
            done="The integrity check is queued."
            icon={<IconFileCheck size={16} />}
            isBusyAlready={view.verifications.some((one) => isActive(one.state))}
          >
            Verify now
          </ActionButton>
        </>
      )}
      {restorable.length > 0 && (
        <RestoreDialog
          deviceName={device.name}
          icon={<IconArrowBackUp size={16} />}
          points={restorable.map((point) => ({
            id: point.id,
            label: formatShort(point.captureMs, clock.timeZone),
            files: point.files,
            bytes: point.bytes,
          }))}
        />
      )}
    </>
  );
}
