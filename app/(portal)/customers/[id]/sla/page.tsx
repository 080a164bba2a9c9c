import type { Metadata } from 'next';
import type { ReactNode } from 'react';
import { viewSlaMonth } from '../../../../../server/sla/view-sla-month.ts';
import { monthQuery, tierQuery } from '../../../../_server/month-query.ts';
import type { IdProps, SearchProps } from '../../../../_server/page-props.ts';
import { orNotFound, pageScope } from '../../../../_server/session.ts';
import { customerCrumbs } from '../../../../_ui/customer-crumbs.ts';
import { SlaMonth } from '../../../../_ui/sla-month.tsx';

export const metadata: Metadata = { title: 'Service level' };

/** A customer's month against its contract, as the customer sees it. */
export default async function CustomerSlaPage({ params, searchParams }: IdProps & SearchProps): Promise<ReactNode> {
  const { services, scope, isStaff } = await pageScope();
  const { id } = await params;
  const asked = await searchParams;
  const { month } = monthQuery.parse(asked);
  const view = await orNotFound(viewSlaMonth(services, scope, id, month));
  const { customer } = view;
  return (
    <SlaMonth
      view={view}
      path={`/customers/${customer.id}/sla`}
      tierKey={tierQuery.parse(asked).tier}
      isStaff={isStaff}
      crumbs={customerCrumbs(isStaff, customer)}
    />
  );
}
