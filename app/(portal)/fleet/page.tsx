import { IconDeviceDesktopPlus, IconFilterOff } from '@tabler/icons-react';
import type { Metadata } from 'next';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { z } from 'zod';
import { PROTECTION_STATES } from '../../../core/domain/outcome.ts';
import { viewFleet } from '../../../server/fleet/queries.ts';
import { staffScope } from '../../_server/session.ts';
import { DeviceTable } from '../../_ui/device-table.tsx';
import { EmptyState } from '../../_ui/empty-state.tsx';
import { formatCountOf } from '../../_ui/format.ts';
import { LiveRefresh } from '../../_ui/live-refresh.client.tsx';
import { PageHeader } from '../../_ui/page-header.tsx';
import { Panel } from '../../_ui/panel.tsx';
import { FleetFilterBar } from './fleet-filter-bar.client.tsx';
import { fleetSentence, needsPerson } from './fleet-sentence.ts';

export const metadata: Metadata = { title: 'Fleet' };

const filterSchema = z.object({
  text: z.string().max(100).catch(''),
  customer: z.uuid().nullable().catch(null),
  state: z.enum(PROTECTION_STATES).nullable().catch(null),
  page: z.coerce.number().int().min(1).max(10_000).catch(1),
});

/** Rows of one page; the rest is a link away, so that a fleet of thousands opens as fast as one of ten. */
const PAGE_ROWS = 100;

export default async function FleetPage({
  searchParams,
}: {
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}): Promise<ReactNode> {
  const { services, scope } = await staffScope();
  const { text, customer, state, page } = filterSchema.parse(await searchParams);
  const view = await viewFleet(services, scope, { text, customerId: customer, state });
  const isFiltered = text !== '' || customer !== null || state !== null;
  const rows = view.devices.slice((page - 1) * PAGE_ROWS, page * PAGE_ROWS);
  const quiet = view.all.filter((device) => !needsPerson(device.protection.state)).length;

  return (
    <>
      <LiveRefresh isActive={view.all.some((device) => device.isBusy)} />
      <PageHeader
        eyebrow="Fleet"
        sentence={fleetSentence(view.all, view.nowMs)}
        support={
          view.all.length === 0 ? undefined : (
            <>
              {formatCountOf(view.all.length, 'device')} of {formatCountOf(view.customers.length, 'customer')};{' '}
              {quiet === view.all.length ? 'nothing needs a person now.' : `${quiet} of them need nothing.`}
            </>
          )
        }
      />
      {view.all.length === 0 ? (
        <Panel>
          <EmptyState
            icon={<IconDeviceDesktopPlus size={24} />}
            title="Here you will see every protected device"
            actions={<Link href="/settings/enrol">Add the first device</Link>}
          >
            Each with the age of its data, the age of its last proven restore, and its last 28 days. Make an enrolment
            token and run one command on the machine.
          </EmptyState>
        </Panel>
      ) : (
        <>
          <FleetFilterBar
            text={text}
            customerId={customer}
            state={state}
            customers={view.customers}
            states={countStates(view.all)}
          />
          <Panel isFlush>
            {rows.length === 0 ? (
              <EmptyState
                icon={<IconFilterOff size={24} />}
                title="No device matches this filter"
                actions={<Link href="/fleet">Show all devices</Link>}
              />
            ) : (
              <DeviceTable devices={rows} nowMs={view.nowMs} withCustomer />
            )}
          </Panel>
          <Pages
            page={page}
            total={view.devices.length}
            query={{ text, customer: customer ?? '', state: state ?? '' }}
            isFiltered={isFiltered}
          />
        </>
      )}
    </>
  );
}

function countStates(devices: readonly { protection: { state: string } }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { protection } of devices) counts[protection.state] = (counts[protection.state] ?? 0) + 1;
  return counts;
}

function Pages({
  page,
  total,
  query,
  isFiltered,
}: {
  page: number;
  total: number;
  query: Readonly<Record<string, string>>;
  isFiltered: boolean;
}): ReactNode {
  const last = Math.ceil(total / PAGE_ROWS);
  const link = (to: number): string => {
    const set = Object.entries({ ...query, page: to === 1 ? '' : String(to) }).filter(([, value]) => value !== '');
    return `/fleet?${new URLSearchParams(set)}`;
  };
  if (last <= 1 && !isFiltered) return null;
  return (
    <p className="hf-quiet" style={{ display: 'flex', gap: 16, marginTop: 12 }}>
      <span>
        {formatCountOf(total, 'device')}
        {last > 1 && `, page ${page} of ${last}`}
      </span>
      {page > 1 && <Link href={link(page - 1)}>Previous</Link>}
      {page < last && <Link href={link(page + 1)}>Next</Link>}
    </p>
  );
}
