import { z } from 'zod';
import {
  addSums,
  CHECK_LEVELS,
  type CheckLevel,
  type CoverageSums,
  NOTHING_STORED,
} from '../../core/domain/integrity.ts';
import { bytesOfRun, READING } from '../../core/domain/verification-pace.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import { whyNotAcceptable, withMachine } from '../damage/why-not-acceptable.ts';
import { damageImpact, type DamageImpact } from '../damage/damage-impact.ts';
import type { DamageEventKind } from '../damage/damage-events.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { loadCoverage, type VaultCoverage } from './load-coverage.ts';

export type LevelSums = Readonly<Record<CheckLevel, CoverageSums>>;

export interface IntegrityRow {
  readonly customerId: string;
  readonly customerName: string;
  readonly devices: number;
  readonly levels: LevelSums;
  readonly unknownObjects: number;
  readonly locked: number;
}

export interface LockedPoint {
  readonly id: string;
  readonly captureMs: number;
  readonly reason: string;
  readonly deviceId: string;
  readonly deviceName: string;
  readonly customerName: string;
  /** A part of it is gone for good, and that was accepted. */
  readonly isLost: boolean;
  /** Files of it that are hit, where the service can name them. */
  readonly filesHit: number | null;
}

export interface DamageLine {
  readonly id: string;
  readonly state: 'found' | 'repairing' | 'checking' | 'repaired' | 'lost';
  readonly deviceId: string;
  readonly deviceName: string;
  readonly customerName: string;
  readonly foundMs: number;
  readonly endedMs: number | null;
  readonly objects: readonly { readonly key: string; readonly problem: string }[];
  readonly objectsTotal: number;
  readonly impact: DamageImpact | null;
  /** Nothing and nobody can mend it, and no owner has accepted that yet. */
  readonly isAcceptable: boolean;
  readonly accepted: { readonly byName: string | null; readonly atMs: number; readonly reason: string } | null;
  readonly events: readonly { readonly kind: DamageEventKind; readonly atMs: number; readonly data: unknown }[];
}

export interface IntegrityView {
  readonly nowMs: number;
  readonly levels: LevelSums;
  /** Vaults of which the service holds no key: level 2 is out of its reach. */
  readonly vaults: number;
  readonly sealedVaults: number;
  readonly pace: {
    readonly newBytes: number;
    readonly dueBytes: number;
    /** Of all vaults within a day, by the plan. */
    readonly bytesADay: number;
  };
  readonly underWay: readonly {
    readonly id: string;
    readonly level: number;
    readonly deviceId: string;
    readonly deviceName: string;
    readonly bytesDone: number;
    readonly bytesTotal: number;
    readonly isPaused: boolean;
    readonly isQueued: boolean;
  }[];
  readonly customers: readonly IntegrityRow[];
  readonly locked: readonly LockedPoint[];
  readonly lockedTotal: number;
  /** Of these, the ones that somebody has given up: they wait for nothing any more. */
  readonly lostTotal: number;
  readonly damages: readonly DamageLine[];
  readonly unknown: readonly {
    readonly deviceId: string;
    readonly deviceName: string;
    readonly objects: number;
    readonly bytes: number;
    readonly keys: readonly string[];
  }[];
  /** Devices whose stored objects were wrong once in the last 30 days, and right when they were read again. */
  readonly readTwice: readonly { readonly deviceId: string; readonly deviceName: string; readonly objects: number }[];
}

const LOCKED_SHOWN = 100;
const DAMAGES_SHOWN = 20;
const UNDER_WAY_SHOWN = 10;
const EVENTS_MAX = 100;
const DAY_MS = 24 * 3600_000;
/** Repairs that ended are shown as long as somebody may ask what became of them. */
const ENDED_SHOWN_MS = 30 * DAY_MS;

/** Staff only. */
export async function viewIntegrity(services: Services, scope: Scope): Promise<IntegrityView> {
  requireStaff(scope);
  const nowMs = services.clock.nowMs();
  const { tenantId } = scope;
  return await withScope(services, scope, async (tx) => {
    const vaults = await loadCoverage(tx, { tenantId }, nowMs);
    const devices = await loadDevices(tx, tenantId);
    const locked = await loadLocked(tx, tenantId);
    const lockedOf = await tx.restorePoint.groupBy({
      by: ['customerId'],
      where: { tenantId, state: 'quarantined' },
      _count: true,
    });
    const lostTotal = await tx.restorePoint.count({
      where: { tenantId, state: 'quarantined', lostDamageId: { not: null } },
    });
    const twice = await tx.verification.groupBy({
      by: ['deviceId'],
      where: { tenantId, readTwice: { gt: 0 }, finishedAt: { gt: new Date(nowMs - ENDED_SHOWN_MS) } },
      _sum: { readTwice: true },
    });
    const checks = await tx.vaultCheck.findMany({ where: { tenantId, unknownObjects: { gt: 0 } } });
    const lockedBy = new Map(lockedOf.map(({ customerId, _count }) => [customerId, _count]));
    return {
      nowMs,
      levels: sumLevels(vaults),
      vaults: vaults.length,
      sealedVaults: vaults.filter(({ isEscrowed }) => !isEscrowed).length,
      pace: paceOf(vaults),
      underWay: await loadUnderWay(tx, tenantId),
      customers: byCustomer(vaults, devices, { checks, lockedBy }),
      locked,
      lockedTotal: lockedOf.reduce((sum, { _count }) => sum + _count, 0),
      lostTotal,
      damages: await loadDamages(tx, { tenantId }, nowMs),
      readTwice: twice.map(({ deviceId, _sum }) => ({
        deviceId,
        deviceName: devices.get(deviceId)?.name ?? '',
        objects: _sum.readTwice ?? 0,
      })),
      unknown: checks.map(({ deviceId, unknownObjects, unknownBytes, unknownKeys }) => ({
        deviceId,
        deviceName: devices.get(deviceId)?.name ?? '',
        objects: unknownObjects,
        bytes: Number(unknownBytes),
        keys: z.array(z.string()).catch([]).parse(unknownKeys),
      })),
    };
  });
}

function sumLevels(vaults: readonly VaultCoverage[]): LevelSums {
  const sums = CHECK_LEVELS.map((level) =>
    vaults.reduce((sum, { levels }) => addSums(sum, levels[level]), NOTHING_STORED),
  );
  return { 0: sums[0]!, 1: sums[1]!, 2: sums[2]! };
}

function paceOf(vaults: readonly VaultCoverage[]): IntegrityView['pace'] {
  const newBytes = vaults.reduce((sum, vault) => sum + vault.newBytes, 0);
  const dueBytes = vaults.reduce((sum, vault) => sum + vault.dueBytes, 0);
  const bytesADay = vaults.reduce((sum, { levels }) => {
    const { storedBytes } = levels[1];
    const ofARun = bytesOfRun(READING, { storedBytes, newBytes: 0, dueBytes: 0 });
    return sum + Math.min(storedBytes, Math.round((ofARun * DAY_MS) / READING.everyMs));
  }, 0);
  return { newBytes, dueBytes, bytesADay };
}

interface DeviceNames {
  readonly name: string;
  readonly customerName: string;
}

async function loadDevices(tx: Tx, tenantId: string): Promise<ReadonlyMap<string, DeviceNames>> {
  const rows = await tx.device.findMany({
    where: { tenantId },
    select: { id: true, name: true, customer: { select: { name: true } } },
  });
  return new Map(rows.map(({ id, name, customer }) => [id, { name, customerName: customer.name }]));
}

function byCustomer(
  vaults: readonly VaultCoverage[],
  devices: ReadonlyMap<string, DeviceNames>,
  more: {
    readonly checks: readonly { readonly customerId: string; readonly unknownObjects: number }[];
    readonly lockedBy: ReadonlyMap<string, number>;
  },
): IntegrityRow[] {
  const groups = Map.groupBy(vaults, ({ customerId }) => customerId);
  return [...groups]
    .map(([customerId, own]) => ({
      customerId,
      customerName: devices.get(own[0]!.deviceId)?.customerName ?? '',
      devices: own.length,
      levels: sumLevels(own),
      unknownObjects: more.checks
        .filter((check) => check.customerId === customerId)
        .reduce((sum, { unknownObjects }) => sum + unknownObjects, 0),
      locked: more.lockedBy.get(customerId) ?? 0,
    }))
    .sort((a, b) => b.locked - a.locked || a.customerName.localeCompare(b.customerName));
}

async function loadLocked(tx: Tx, tenantId: string): Promise<LockedPoint[]> {
  const points = await tx.restorePoint.findMany({
    where: { tenantId, state: 'quarantined' },
    select: {
      id: true,
      vaultId: true,
      snapshotId: true,
      captureAt: true,
      quarantineReason: true,
      lostDamageId: true,
      device: { select: { id: true, name: true, customer: { select: { name: true } } } },
    },
    orderBy: { captureAt: 'desc' },
    take: LOCKED_SHOWN,
  });
  const damages = await tx.damage.findMany({
    where: { tenantId, vaultId: { in: [...new Set(points.map(({ vaultId }) => vaultId))] } },
    select: { vaultId: true, impact: true },
    orderBy: { foundAt: 'desc' },
  });
  const hit = new Map<string, number>();
  for (const { impact } of damages)
    for (const { id, files } of damageImpact.safeParse(impact).data?.snapshots ?? [])
      if (!hit.has(id)) hit.set(id, files);
  return points.map((point) => ({
    id: point.id,
    captureMs: point.captureAt.getTime(),
    reason: point.quarantineReason ?? '',
    isLost: point.lostDamageId !== null,
    deviceId: point.device.id,
    deviceName: point.device.name,
    customerName: point.device.customer.name,
    filesHit: hit.get(point.snapshotId) ?? null,
  }));
}

async function loadUnderWay(tx: Tx, tenantId: string): Promise<IntegrityView['underWay']> {
  const rows = await tx.verification.findMany({
    where: { tenantId, state: { in: ['queued', 'running'] } },
    include: { device: { select: { name: true } } },
    orderBy: { createdAt: 'asc' },
    take: UNDER_WAY_SHOWN,
  });
  return rows.map((one) => ({
    id: one.id,
    level: one.level,
    deviceId: one.deviceId,
    deviceName: one.device.name,
    bytesDone: Number(one.bytesDone),
    bytesTotal: Number(one.bytesTotal),
    isPaused: one.pausedAt !== null,
    isQueued: one.state === 'queued',
  }));
}

const objectsShape = z.array(z.object({ key: z.string(), problem: z.string() }));

/** Damages that are open or ended lately, open ones first; of one device, or of all. */
export async function loadDamages(
  tx: Tx,
  place: { readonly tenantId: string; readonly deviceId?: string },
  nowMs: number,
): Promise<DamageLine[]> {
  const rows = await tx.damage.findMany({
    where: {
      ...place,
      OR: [
        { endedAt: null },
        { endedAt: { gt: new Date(nowMs - ENDED_SHOWN_MS) } },
        // A loss waits for an owner, however long.
        { state: 'lost', acceptedAt: null },
      ],
    },
    include: {
      command: withMachine.command,
      device: { select: { ...withMachine.device.select, name: true, customer: { select: { name: true } } } },
      accepter: { select: { name: true } },
      events: { orderBy: { sequence: 'asc' }, take: EVENTS_MAX },
    },
    orderBy: [{ endedAt: { sort: 'desc', nulls: 'first' } }, { foundAt: 'desc' }],
    take: DAMAGES_SHOWN,
  });
  return rows.map((one) => {
    const objects = objectsShape.catch([]).parse(one.objects);
    return {
      id: one.id,
      state: one.state as DamageLine['state'], // held by a CHECK constraint of the database
      deviceId: one.deviceId,
      deviceName: one.device.name,
      customerName: one.device.customer.name,
      foundMs: one.foundAt.getTime(),
      endedMs: one.endedAt?.getTime() ?? null,
      objects: objects.slice(0, 20),
      objectsTotal: objects.length,
      impact: damageImpact.safeParse(one.impact).data ?? null,
      isAcceptable: whyNotAcceptable(one, nowMs) === undefined,
      accepted:
        one.acceptedAt === null
          ? null
          : { byName: one.accepter?.name ?? null, atMs: one.acceptedAt.getTime(), reason: one.acceptReason ?? '' },
      events: one.events.map(({ kind, at, data }) => ({ kind: kind as DamageEventKind, atMs: at.getTime(), data })), // as above
    };
  });
}
