import type { Crumb } from './page-header.tsx';

/** The way back from a page of a customer: staff come over the fleet, the customer from its home. */
export function customerCrumbs(
  isStaff: boolean,
  customer: { readonly id: string; readonly name: string },
): readonly Crumb[] {
  return isStaff
    ? [
        { label: 'Fleet', href: '/fleet' },
        { label: customer.name, href: `/customers/${customer.id}` },
      ]
    : [{ label: 'Home', href: '/home' }];
}
