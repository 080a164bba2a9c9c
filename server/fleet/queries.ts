import { requireStaff, type Scope } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { listOwnFields } from './own-fields.ts';
import type { CustomerChoice, FleetNames, FleetViewLine } from './view.ts';

/** Own views and those that others share, by name. Staff only. */
export async function listFleetViews(services: Services, scope: Scope): Promise<FleetViewLine[]> {
  requireStaff(scope);
  const own = scope.actor.id === null ? [] : [{ ownerId: scope.actor.id }];
  const views = await withScope(services, scope, (tx) =>
    tx.fleetView.findMany({
      where: { tenantId: scope.tenantId, OR: [{ isShared: true }, ...own] },
      orderBy: [{ name: 'asc' }, { id: 'asc' }],
    }),
  );
  return views.map(({ id, name, filter, columns, density, dayRule, isShared, ownerId }) => ({
    id,
    name,
    filter,
    columns,
    density,
    dayRule,
    isShared,
    isOwn: ownerId === scope.actor.id,
  }));
}

/** What the search field suggests. Staff only. */
export async function listFleetNames(services: Services, scope: Scope): Promise<FleetNames> {
  requireStaff(scope);
  const { tenantId } = scope;
  const rows = await withScope(
    services,
    scope,
    (tx) => tx.$queryRaw<{ field: keyof FleetNames; name: string }[]>`
      SELECT DISTINCT 'customer' AS field, name FROM customer WHERE tenant_id = ${tenantId}::uuid
      UNION SELECT 'policy', name FROM policy WHERE tenant_id = ${tenantId}::uuid
      UNION SELECT 'os', os FROM device WHERE tenant_id = ${tenantId}::uuid
      UNION SELECT 'tag', unnest(tags) FROM device WHERE tenant_id = ${tenantId}::uuid
      ORDER BY 1, 2`,
  );
  const namesOf = (wanted: Exclude<keyof FleetNames, 'own'>): string[] =>
    rows.filter(({ field }) => field === wanted).map(({ name }) => name);
  const own = await listOwnFields(services, scope);
  return { customer: namesOf('customer'), policy: namesOf('policy'), tag: namesOf('tag'), os: namesOf('os'), own };
}

/** Devices whose name, host name or customer contains the text, for the search field. At most `limit`. */
export async function searchDevices(
  services: Services,
  scope: Scope,
  text: string,
  limit: number,
): Promise<{ id: string; name: string; hostname: string; customerName: string }[]> {
  const contains = { contains: text, mode: 'insensitive' as const };
  const devices = await withScope(services, scope, (tx) =>
    tx.device.findMany({
      where: {
        tenantId: scope.tenantId,
        revokedAt: null,
        ...(scope.customerId === null ? {} : { customerId: scope.customerId }),
        OR: [{ name: contains }, { hostname: contains }, { customer: { name: contains } }],
      },
      select: { id: true, name: true, hostname: true, customer: { select: { name: true } } },
      orderBy: { name: 'asc' },
      take: limit,
    }),
  );
  return devices.map(({ customer, ...device }) => ({ ...device, customerName: customer.name }));
}

/** Customers with their policies, for the form that makes an enrolment token. Staff only. */
export async function listEnrolmentChoices(
  services: Services,
  scope: Scope,
): Promise<(CustomerChoice & { readonly policies: readonly { readonly id: string; readonly name: string }[] })[]> {
  requireStaff(scope);
  return await withScope(services, scope, (tx) =>
    tx.customer.findMany({
      where: { tenantId: scope.tenantId },
      select: {
        id: true,
        name: true,
        policies: { select: { id: true, name: true }, orderBy: { createdAt: 'asc' } },
      },
      orderBy: { name: 'asc' },
    }),
  );
}
