import type { Metadata } from 'next';
import type { ReactNode } from 'react';
import { z } from 'zod';
import { viewFleetSla } from '../../../server/sla/view-fleet-sla.ts';
import { viewSlaMonth } from '../../../server/sla/view-sla-month.ts';
import { monthQuery } from '../../_server/month-query.ts';
import type { SearchProps } from '../../_server/page-props.ts';
import { orNotFound, pageScope } from '../../_server/session.ts';
import { SlaMonth } from '../../_ui/sla-month.tsx';
import { FleetSla } from './fleet-sla.tsx';

export const metadata: Metadata = { title: 'Service level' };

const pageQuery = z.object({ page: z.coerce.number().int().min(1).max(10_000).catch(1) });

/** A customer's user sees their own month; staff see every customer's, and open one. */
export default async function SlaPage({ searchParams }: SearchProps): Promise<ReactNode> {
  const { services, scope, isStaff } = await pageScope();
  const asked = await searchParams;
  const { month } = monthQuery.parse(asked);
  if (scope.customerId === null) {
    const { page } = pageQuery.parse(asked);
    return <FleetSla view={await orNotFound(viewFleetSla(services, scope, { month, page }))} page={page} />;
  }
  const view = await orNotFound(viewSlaMonth(services, scope, scope.customerId, month));
  return <SlaMonth view={view} path="/sla" isStaff={isStaff} crumbs={[{ label: 'Home', href: '/home' }]} />;
}
