/** Machines with a past, straight into the tables: what rules look at, without backups that take their time. */
import { newId } from '../../../core/base/ids.ts';
import { builtInRule, type RuleWish } from '../../../core/domain/alerts/rules.ts';
import { scopeForUser, type Scope } from '../../access/scope.ts';
import type { Tx } from '../../db/client.ts';
import { withScope } from '../../db/with-scope.ts';
import type { Claim } from '../../jobs/claims.ts';
import { createTestTenant, type createTestServices, type TestTenant } from '../../testing/test-services.ts';
import { testRule } from '../back-test/test-rule.ts';
import { changeRule, type RuleTarget } from '../change-rule.ts';
import { sweepAlerts } from '../sweep-alerts.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export type AlertBench = Awaited<ReturnType<typeof createAlertBench>>;

export interface Machine {
  readonly deviceId: string;
  readonly sourceId: string;
  readonly vaultId: string;
  readonly customerId: string;
}

/** A provider of its own, with a technician beside the owner. */
export async function createAlertBench(services: ReturnType<typeof createTestServices>) {
  const tenant: TestTenant = await createTestTenant(services, 'alerts');
  const technicianId = newId();
  await withScope(services, tenant.system, (tx) =>
    tx.appUser.create({
      data: {
        ...{ tenantId: tenant.id, id: technicianId, role: 'technician', name: 'Tove' },
        ...{ email: `${technicianId}@x.test`, passwordHash: 'none' },
      },
      select: { id: true },
    }),
  );
  const technician: Scope = scopeForUser({
    tenantId: tenant.id,
    id: technicianId,
    customerId: null,
    role: 'technician',
  });
  const sql = async <T>(work: (tx: Tx) => Promise<T>): Promise<T> => await withScope(services, tenant.system, work);
  /** A claim that nobody takes away: fences are tested where jobs are. */
  const claim = (): Claim =>
    ({ scope: tenant.system, guard: async () => undefined }) as Pick<Claim, 'scope' | 'guard'> as Claim;
  const sweep = async (): Promise<void> => await sweepAlerts(services, claim());
  const now = (): Date => new Date(services.clock.nowMs());
  const ago = (ms: number): Date => new Date(services.clock.nowMs() - ms);

  /** A machine that called a minute ago and was enrolled two months before; what it has is left to the test. */
  async function machine(name: string, at: 0 | 1 = 0, os = 'linux'): Promise<Machine> {
    const { id: customerId, policyId } = tenant.customers[at];
    const own = { tenantId: tenant.id, customerId };
    const [deviceId, sourceId, vaultId] = [newId(), newId(), newId()];
    await sql(async (tx) => {
      await tx.device.create({
        data: {
          ...{ ...own, id: deviceId, policyId, name, hostname: name, os, arch: 'x64', agentVersion: '1.2.0' },
          ...{ publicKey: 'none', enrolledAt: ago(60 * DAY) },
        },
      });
      await tx.deviceState.create({ data: { ...own, deviceId, lastSeenAt: ago(MINUTE) } });
      await tx.source.create({
        data: { ...own, id: sourceId, deviceId, kind: 'files', name: 'Files', createdAt: ago(60 * DAY) },
      });
      await tx.vault.create({
        data: {
          ...own,
          id: vaultId,
          deviceId,
          prefix: `v/${tenant.id}/${vaultId}`,
          custody: 'escrowed',
          acceptedCustody: 'escrowed',
          state: 'new',
        },
      });
    });
    return { deviceId, sourceId, vaultId, customerId };
  }

  async function run(
    of: Machine,
    state: 'sealed' | 'failed',
    more: { message?: string; occurrenceId?: string; at?: Date } = {},
  ): Promise<string> {
    const id = newId();
    const at = more.at ?? now();
    await sql((tx) =>
      tx.backupRun.create({
        data: {
          ...{
            tenantId: tenant.id,
            id,
            ...of,
            trigger: 'schedule',
            state,
            startedAt: at,
            lastProgressAt: at,
            finishedAt: at,
          },
          ...{ outcome: state === 'sealed' ? 'ok' : 'failed', occurrenceId: more.occurrenceId ?? null },
          ...(state === 'failed' ? { errorCode: 'commit_invalid', errorMessage: more.message ?? 'No.' } : {}),
        },
      }),
    );
    return id;
  }

  const hex = () => `${newId()}${newId()}`.replaceAll('-', '');
  async function point(of: Machine, at: Date, storedBytes = 1000): Promise<void> {
    const runId = await run(of, 'sealed', { at });
    await sql((tx) =>
      tx.restorePoint.create({
        data: {
          ...{
            tenantId: tenant.id,
            id: newId(),
            ...of,
            runId,
            snapshotId: hex(),
            treeId: hex(),
            state: 'sealed',
            outcome: 'ok',
          },
          ...{
            captureAt: at,
            committedAt: at,
            sealedAt: at,
            isUsable: true,
            files: 10n,
            bytes: 1000n,
            packIds: [],
            witness: [],
          },
          storedBytes: BigInt(storedBytes),
        },
      }),
    );
    await sql((tx) =>
      tx.vaultCheck.upsert({
        where: { tenantId_vaultId: { tenantId: tenant.id, vaultId: of.vaultId } },
        create: {
          ...{
            tenantId: tenant.id,
            vaultId: of.vaultId,
            customerId: of.customerId,
            deviceId: of.deviceId,
            listedAt: now(),
          },
          ...{ listingDueAt: now(), readingDueAt: now(), decryptingDueAt: now() },
        },
        update: { listedAt: now() },
      }),
    );
  }

  async function expected(of: Machine, outcome: string | null, dueAt: Date): Promise<string> {
    const id = newId();
    const { deviceId, sourceId, customerId } = of;
    await sql((tx) =>
      tx.expectedOccurrence.create({
        data: {
          ...{
            tenantId: tenant.id,
            id,
            deviceId,
            sourceId,
            customerId,
            dueAt,
            windowEnd: new Date(dueAt.getTime() + HOUR),
          },
          ...{ outcome, resolvedAt: outcome === null ? null : dueAt },
        },
      }),
    );
    return id;
  }

  const alerts = async () =>
    await sql((tx) => tx.alert.findMany({ where: { tenantId: tenant.id }, orderBy: { openedAt: 'asc' } }));
  const open = async () => (await alerts()).filter(({ resolvedAt }) => resolvedAt === null);
  const kinds = async () => (await open()).map(({ kind }) => kind).sort();
  const only = async (kind: string) => (await open()).find((one) => one.kind === kind)!;
  const audited = async (action: string) =>
    await sql((tx) => tx.auditEvent.count({ where: { tenantId: tenant.id, action } }));

  /** Nothing of it is asked for beside what the test is about. */
  async function quiet(...off: RuleWish['kind'][]): Promise<void> {
    for (const kind of off)
      await changeRule(services, tenant.owner, { builtIn: true }, wishOf(kind, { isEnabled: false }));
  }
  function wishOf(kind: RuleWish['kind'], over: Partial<RuleWish> = {}): RuleWish {
    const { name, isEnabled, severity, parameters, filter } = builtInRule(kind);
    return { kind, name, isEnabled, severity, parameters: { ...parameters }, filter, ...over };
  }

  /** As its dialog does it: a rule is tried on the past before it is kept. */
  async function keep(target: RuleTarget, wish: RuleWish): Promise<string> {
    await testRule(services, tenant.owner, wish);
    return (await changeRule(services, tenant.owner, target, wish)).id;
  }

  return {
    tenant,
    technician,
    sql,
    sweep,
    now,
    ago,
    machine,
    run,
    point,
    expected,
    alerts,
    open,
    kinds,
    only,
    audited,
    quiet,
    wishOf,
    keep,
  };
}
