import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import type { ReactNode } from 'react';
import { viewCustomerHome } from '../../../server/customers/queries.ts';
import { orNotFound, pageScope } from '../../_server/session.ts';
import { CustomerHome } from '../../_ui/customer-home.tsx';

export const metadata: Metadata = { title: 'Home' };

/** What a customer's user opens. Staff have no customer of their own; theirs is the fleet. */
export default async function HomePage(): Promise<ReactNode> {
  const { services, scope, isStaff } = await pageScope();
  if (scope.customerId === null) notFound();
  const view = await orNotFound(viewCustomerHome(services, scope, scope.customerId));
  return <CustomerHome view={view} isStaff={isStaff} />;
}
