import type { Metadata } from 'next';
import type { ReactNode } from 'react';
import { z } from 'zod';
import { FLEET_SLA_LISTS, viewFleetSla } from '../../../server/sla/view-fleet-sla.ts';
import { viewSlaMonth } from '../../../server/sla/view-sla-month.ts';
import { monthQuery, tierQuery } from '../../_server/month-query.ts';
import type { SearchProps } from '../../_server/page-props.ts';
import { orNotFound, pageScope } from '../../_server/session.ts';
import { SlaMonth } from '../../_ui/sla-month.tsx';
import { FleetSla } from './fleet-sla.tsx';

export const metadata: Metadata = { title: 'Service level' };

const pageQuery = z.object({
  page: z.coerce.number().int().min(1).max(10_000).catch(1),
  only: z.enum(FLEET_SLA_LISTS).nullable().catch(null),
});

/** A customer's user sees their own month; staff see every customer's, and open one. */
export default async function SlaPage({ searchParams }: SearchProps): Promise<ReactNode> {
  const { services, scope, isStaff } = await pageScope();
  const asked = await searchParams;
  const { month } = monthQuery.parse(asked);
  if (scope.customerId === null) {
    const { page, only } = pageQuery.parse(asked);
    const view = await orNotFound(viewFleetSla(services, scope, { month, page, only }));
    return <FleetSla view={view} page={page} only={only} />;
  }
  const view = await orNotFound(viewSlaMonth(services, scope, scope.customerId, month));
  return (
    <SlaMonth
      view={view}
      path="/sla"
      tierKey={tierQuery.parse(asked).tier}
      isStaff={isStaff}
      crumbs={[{ label: 'Home', href: '/home' }]}
    />
  );
}
