import { IconDeviceDesktopPlus } from '@tabler/icons-react';
import type { Metadata } from 'next';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { z } from 'zod';
import { DENSITIES, readColumns } from '../../../core/domain/fleet-filter/columns.ts';
import { DAY_RULES } from '../../../core/domain/fleet-filter/day-rule.ts';
import { FilterError } from '../../../core/domain/fleet-filter/filter-error.ts';
import type { FleetFilter } from '../../../core/domain/fleet-filter/filter.ts';
import { ownKeysOf } from '../../../core/domain/fleet-filter/own-fields.ts';
import { parseFilter } from '../../../core/domain/fleet-filter/parse-filter.ts';
import type { Scope } from '../../../server/access/scope.ts';
import { countFacets, countFleet } from '../../../server/fleet/count-fleet.ts';
import { listFleet } from '../../../server/fleet/list-fleet.ts';
import { listFleetNames, listFleetViews } from '../../../server/fleet/queries.ts';
import type { OwnField } from '../../../server/fleet/view.ts';
import { listQueueAlerts } from '../../../server/queues/queries.ts';
import type { Services } from '../../../server/services.ts';
import type { SearchProps } from '../../_server/page-props.ts';
import { staffScope } from '../../_server/session.ts';
import { EmptyState } from '../../_ui/empty-state.tsx';
import { formatCount, formatCountOf } from '../../../core/domain/format.ts';
import { LiveRefresh } from '../../_ui/live-refresh.client.tsx';
import { PageHeader } from '../../_ui/page-header.tsx';
import { Panel } from '../../_ui/panel.tsx';
import { QueueNotices } from '../../_ui/queue-notices.tsx';
import { type FleetAnswer, FleetBoard } from './fleet-board.client.tsx';
import { countNeeding, fleetSentence } from './fleet-sentence.ts';

export const metadata: Metadata = { title: 'Fleet' };

/** In a larger fleet something is always under way, and nobody watches a single backup in the list. */
const WATCHED_MAX = 50;

const addressSchema = z.object({
  filter: z.string().catch(''),
  columns: z.string().catch(''),
  density: z.enum(DENSITIES).catch('comfortable'),
  days: z.enum(DAY_RULES).catch('each'),
});

export default async function FleetPage({ searchParams }: SearchProps): Promise<ReactNode> {
  const { services, scope } = await staffScope();
  const wanted = addressSchema.parse(await searchParams);
  const { days: dayRule, ...rest } = wanted;
  const address = { ...rest, dayRule, columns: readColumns(wanted.columns.split(',')) };
  const totals = await countFleet(services, scope);
  const names = await listFleetNames(services, scope);
  const filter = filterOf(address.filter, names.own);
  const answer = filter === null ? null : await answerFilter(services, scope, filter);
  const queueAlerts = await listQueueAlerts(services, scope);
  const quiet = totals.devices - countNeeding(totals);

  return (
    <>
      <LiveRefresh isActive={totals.busy > 0 && totals.devices <= WATCHED_MAX} />
      <PageHeader
        eyebrow="Fleet"
        sentence={fleetSentence(totals)}
        support={
          totals.devices === 0 ? undefined : (
            <>
              {formatCountOf(totals.devices, 'device')} of {formatCountOf(totals.customers, 'customer')};{' '}
              {quiet === totals.devices ? 'nothing needs a person now.' : `${formatCount(quiet)} of them need nothing.`}
            </>
          )
        }
      />
      <QueueNotices alerts={queueAlerts} clock={{ nowMs: totals.nowMs, timeZone: 'UTC' }} withLink />
      {totals.devices === 0 ? (
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
        <FleetBoard
          address={address}
          answer={answer}
          views={await listFleetViews(services, scope)}
          names={names}
          mayDefine={scope.role === 'owner'}
        />
      )}
    </>
  );
}

/** Null for a text that is no filter: the field below says what is wrong with it. */
function filterOf(text: string, own: readonly OwnField[]): FleetFilter | null {
  try {
    const filter = parseFilter(text);
    const asked = filter.where === null ? [] : ownKeysOf(filter.where);
    return asked.every((key) => own.some((field) => field.key === key)) ? filter : null;
  } catch (error) {
    if (error instanceof FilterError) return null;
    throw error;
  }
}

async function answerFilter(services: Services, scope: Scope, filter: FleetFilter): Promise<FleetAnswer> {
  const [page, facets] = await Promise.all([
    listFleet(services, scope, { filter, after: null }),
    countFacets(services, scope, filter),
  ]);
  return { filter, page, facets };
}
