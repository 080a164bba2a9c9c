/** What of a customer's machines is protected and what is not, device by device: the rows behind metric 5, and what needs a decision. */
import { HoldfastError } from '../../core/base/errors.ts';
import {
  type CoverageFigures,
  coverageFigures,
  type DeviceData,
  deviceData,
  deviceDatabases,
  isSelected,
  type JudgedDatabase,
} from '../../core/domain/sla/data-coverage.ts';
import type { Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { loadCoverageFacts, type NamedCoverage } from './load-coverage-facts.ts';

export interface VolumeLine {
  readonly mountPoint: string;
  readonly fileSystem: string;
  readonly usedBytes: number | null;
  readonly sizeBytes: number | null;
  readonly state: 'selected' | 'unselected' | 'excluded';
}

export interface DeviceCoverageLine {
  readonly deviceId: string;
  readonly deviceName: string;
  /** When the machine last said what it holds; null: never. */
  readonly receivedMs: number | null;
  readonly selectedBytes: number;
  /** Null: not measured. */
  readonly data: DeviceData | null;
  /** Null: not known. */
  readonly volumes: readonly VolumeLine[] | null;
  readonly databases: readonly JudgedDatabase[] | null;
}

export interface ExclusionLine {
  readonly id: string;
  readonly deviceName: string;
  readonly kind: 'volume' | 'database';
  readonly subject: string;
  /** In words; of what the machine does not name any more, the subject itself. */
  readonly name: string;
  readonly reason: string;
  readonly decidedBy: string;
  readonly decidedMs: number;
}

export interface CoverageView {
  readonly nowMs: number;
  readonly customer: { readonly id: string; readonly name: string; readonly timeZone: string };
  readonly figures: CoverageFigures;
  readonly devices: readonly DeviceCoverageLine[];
  /** Those in force, the newest first. */
  readonly exclusions: readonly ExclusionLine[];
}

/** @throws HoldfastError not_found for a foreign customer as for none. */
export async function viewCoverage(services: Services, scope: Scope, customerId: string): Promise<CoverageView> {
  const nowMs = services.clock.nowMs();
  const { tenantId } = scope;
  return await withScope(services, scope, async (tx) => {
    const customer = await tx.customer.findFirst({ where: { tenantId, id: customerId } });
    if (customer === null) throw new HoldfastError('not_found', 'There is no such customer.');
    const facts = await loadCoverageFacts(tx, { tenantId, customerId }, nowMs);
    const devices = facts.map(lineOf);
    return {
      nowMs,
      customer: { id: customer.id, name: customer.name, timeZone: customer.timezone },
      figures: coverageFigures(facts),
      devices,
      exclusions: await listExclusions(tx, { tenantId, customerId }, devices),
    };
  });
}

/** The same of one device; undefined: it is out of service. */
export async function viewDeviceCoverage(
  services: Services,
  scope: Scope,
  { customerId, deviceId }: { readonly customerId: string; readonly deviceId: string },
): Promise<DeviceCoverageLine | undefined> {
  const place = { tenantId: scope.tenantId, customerId, deviceId };
  const facts = await withScope(services, scope, (tx) => loadCoverageFacts(tx, place, services.clock.nowMs()));
  return facts.map(lineOf)[0];
}

function lineOf(facts: NamedCoverage): DeviceCoverageLine {
  const { deviceId, deviceName, receivedMs, selectedBytes, volumes, paths, excludedVolumes } = facts;
  const mounts = (volumes ?? []).map(({ mountPoint }) => mountPoint);
  const stateOf = (mountPoint: string): VolumeLine['state'] =>
    excludedVolumes.has(mountPoint) ? 'excluded' : isSelected(mountPoint, mounts, paths) ? 'selected' : 'unselected';
  return {
    ...{ deviceId, deviceName, receivedMs, selectedBytes },
    data: deviceData(facts),
    volumes: volumes?.map((volume) => ({ ...volume, state: stateOf(volume.mountPoint) })) ?? null,
    databases: deviceDatabases(facts),
  };
}

async function listExclusions(
  tx: Tx,
  where: { readonly tenantId: string; readonly customerId: string },
  devices: readonly DeviceCoverageLine[],
): Promise<ExclusionLine[]> {
  const names = new Map(
    devices.flatMap(({ deviceId, databases }) =>
      (databases ?? []).map(({ key, name }) => [`${deviceId}/${key}`, name]),
    ),
  );
  const rows = await tx.coverageExclusion.findMany({
    where: { ...where, withdrawnAt: null, device: { revokedAt: null } },
    include: { device: { select: { name: true } }, decider: { select: { name: true } } },
    orderBy: [{ decidedAt: 'desc' }, { id: 'asc' }],
    take: 500,
  });
  return rows.map(({ id, deviceId, device, kind, subject, reason, decider, decidedAt }) => ({
    ...{ id, deviceName: device.name, kind: kind === 'volume' ? 'volume' : 'database', subject, reason },
    name: kind === 'volume' ? `The volume ${subject}` : (names.get(`${deviceId}/${subject}`) ?? subject),
    // The provider's people are behind the wall of a customer's own: the row is not given, whatever its type says.
    decidedBy: (decider as { readonly name: string } | null)?.name ?? 'your provider',
    decidedMs: decidedAt.getTime(),
  }));
}
