import type { Metadata } from 'next';
import type { ReactNode } from 'react';
import { viewCustomerHome } from '../../../../../server/customers/queries.ts';
import type { IdProps } from '../../../../_server/page-props.ts';
import { orNotFound, pageScope } from '../../../../_server/session.ts';
import { CustomerHome } from '../../../../_ui/customer-home.tsx';

export const metadata: Metadata = { title: 'Customer' };

/** A customer's home as the customer sees it. */
export default async function CustomerPage({ params }: IdProps): Promise<ReactNode> {
  const { services, scope, isStaff } = await pageScope();
  const view = await orNotFound(viewCustomerHome(services, scope, (await params).id));
  return <CustomerHome view={view} isStaff={isStaff} crumbs={isStaff ? [{ label: 'Fleet', href: '/fleet' }] : []} />;
}
