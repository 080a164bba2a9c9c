import { type PolicyDocument, policyDocument, withTimeZone } from '../../core/domain/policy.ts';
import type { Scope } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';

/** A source that is protected now, with what a sweep needs to know of it. */
export interface SweptSource {
  readonly tenantId: string;
  readonly sourceId: string;
  readonly customerId: string;
  readonly deviceId: string;
  readonly deviceName: string;
  readonly createdMs: number;
  readonly enrolledMs: number;
  readonly lastSeenMs: number | null;
  readonly timeZone: string;
  readonly policy: PolicyDocument;
}

/** Every source of the tenant whose device is not revoked. */
export async function loadSweptSources(services: Services, scope: Scope): Promise<SweptSource[]> {
  const rows = await withScope(services, scope, (tx) =>
    tx.source.findMany({
      where: { tenantId: scope.tenantId, device: { revokedAt: null } },
      include: {
        device: {
          select: {
            name: true,
            enrolledAt: true,
            policy: { select: { document: true } },
            customer: { select: { timezone: true } },
            state: { select: { lastSeenAt: true } },
          },
        },
      },
    }),
  );
  return rows.map(({ device, ...source }) => ({
    tenantId: source.tenantId,
    sourceId: source.id,
    customerId: source.customerId,
    deviceId: source.deviceId,
    deviceName: device.name,
    createdMs: source.createdAt.getTime(),
    enrolledMs: device.enrolledAt.getTime(),
    lastSeenMs: device.state?.lastSeenAt?.getTime() ?? null,
    timeZone: device.customer.timezone,
    policy: withTimeZone(policyDocument.parse(device.policy.document), device.customer.timezone),
  }));
}
