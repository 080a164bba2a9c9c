import { PROTECTION_STATES, type ProtectionState } from '../../core/domain/outcome.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { loadSummaries } from './summaries.ts';
import type { CustomerChoice, DeviceSummary, FleetView } from './view.ts';

export interface FleetFilter {
  /** Part of the device's name, host name or customer, any case. */
  readonly text: string;
  readonly customerId: string | null;
  readonly state: ProtectionState | null;
}

/** All devices of the provider, the most urgent first, and those of them that the filter lets through. Staff only. */
export async function viewFleet(services: Services, scope: Scope, filter: FleetFilter): Promise<FleetView> {
  requireStaff(scope);
  const nowMs = services.clock.nowMs();
  return await withScope(services, scope, async (tx) => {
    const all = (await loadSummaries(tx, scope, nowMs)).sort(byUrgency);
    const customers = await tx.customer.findMany({
      where: { tenantId: scope.tenantId },
      select: { id: true, name: true },
      orderBy: { name: 'asc' },
    });
    return { nowMs, all, customers, devices: all.filter((device) => isWanted(device, filter)) };
  });
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

function isWanted(device: DeviceSummary, filter: FleetFilter): boolean {
  const text = filter.text.trim().toLowerCase();
  return (
    (filter.customerId === null || device.customerId === filter.customerId) &&
    (filter.state === null || device.protection.state === filter.state) &&
    (text === '' || [device.name, device.hostname, device.customerName].some((one) => one.toLowerCase().includes(text)))
  );
}

function byUrgency(a: DeviceSummary, b: DeviceSummary): number {
  const urgency = (device: DeviceSummary) => PROTECTION_STATES.indexOf(device.protection.state);
  return urgency(a) - urgency(b) || a.customerName.localeCompare(b.customerName) || a.name.localeCompare(b.name);
}
