import { createHash } from 'node:crypto';
import { HoldfastError } from '../../core/base/errors.ts';
import { needsPassword, type SystemTests, systemTests } from '../../core/domain/system-tests.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { passwordPlace } from './load-system-tests.ts';

export interface SystemTestsWish {
  readonly deviceId: string;
  /** The version that the person saw; 0 where nothing was declared. */
  readonly version: number;
  readonly tests: SystemTests;
  /** A new one; undefined: the one that is kept stays. It is dropped when no step types it. */
  readonly password?: string | undefined;
}

/**
 * Says what drills of level 5 do with a device's restore points. Returns the new version.
 * @throws HoldfastError forbidden, not_found; bad_request when a step types a password and there is none; conflict when it was
 * changed since.
 */
export async function changeSystemTests(
  services: Services,
  scope: Scope,
  wish: SystemTestsWish,
): Promise<{ version: number }> {
  requireStaff(scope);
  const { tenantId, actor } = scope;
  const tests = systemTests.parse(wish.tests);
  return await applyChange(services, scope, async ({ tx, audit }) => {
    const source = await sourceOf(tx, tenantId, wish.deviceId);
    const where = { tenantId_sourceId: { tenantId, sourceId: source.id } };
    const former = await tx.systemTest.findUnique({ where });
    if ((former?.version ?? 0) !== wish.version) throw changedSince();
    const isTyped = needsPassword(tests);
    const kept = isTyped && wish.password === undefined ? (former?.passwordSealed ?? null) : null;
    const passwordSealed =
      isTyped && wish.password !== undefined ? await sealed(services, tx, tenantId, source.id, wish.password) : kept;
    if (isTyped && passwordSealed === null)
      throw new HoldfastError('bad_request', 'A step of the sign-in types the password, and there is none. Give one.');
    const version = wish.version + 1;
    const changedAt = new Date(services.clock.nowMs());
    const values = { document: tests, passwordSealed, version, changedBy: actor.id ?? '', changedAt };
    if (former === null)
      await tx.systemTest.create({ data: { tenantId, sourceId: source.id, customerId: source.customerId, ...values } });
    else {
      const { count } = await tx.systemTest.updateMany({
        where: { tenantId, sourceId: source.id, version: wish.version },
        data: values,
      });
      if (count === 0) throw changedSince();
    }
    await audit(
      'system_test.changed',
      { kind: 'device', id: wish.deviceId },
      {
        version,
        image: tests.boot?.image ?? null,
        script: tests.script?.name ?? null,
        scriptSha256: tests.script === undefined ? null : createHash('sha256').update(tests.script.text).digest('hex'),
        isPasswordNew: isTyped && wish.password !== undefined,
      },
    );
    return { version };
  });
}

async function sealed(services: Services, tx: Tx, tenantId: string, sourceId: string, password: string) {
  const tenant = await tx.tenant.findUniqueOrThrow({ where: { id: tenantId } });
  return Uint8Array.from(services.keys.seal(tenant, passwordPlace(sourceId), Buffer.from(password, 'utf8')));
}

async function sourceOf(tx: Tx, tenantId: string, deviceId: string) {
  const source = await tx.source.findFirst({ where: { tenantId, deviceId }, orderBy: { createdAt: 'asc' } });
  if (source === null) throw new HoldfastError('not_found', 'There is no such device.');
  return source;
}

function changedSince(): HoldfastError {
  return new HoldfastError(
    'conflict',
    'Somebody changed this in the meantime, and your change was not made. Reload the page and look at theirs first.',
  );
}

export interface SystemTestsView {
  /** 0 where nothing was ever declared. */
  readonly version: number;
  readonly tests: SystemTests;
  readonly hasPassword: boolean;
  /** Null also where somebody of the provider is not for the reader to see. */
  readonly changedByName: string | null;
  readonly changedMs: number | null;
}

/** What is declared, for its page. The password is never shown. @throws HoldfastError not_found. */
export async function viewSystemTests(services: Services, scope: Scope, deviceId: string): Promise<SystemTestsView> {
  const { tenantId } = scope;
  return await withScope(services, scope, async (tx) => {
    const source = await sourceOf(tx, tenantId, deviceId);
    const row = await tx.systemTest.findUnique({
      where: { tenantId_sourceId: { tenantId, sourceId: source.id } },
      include: { changer: { select: { name: true } } },
    });
    if (row === null) return { version: 0, tests: {}, hasPassword: false, changedByName: null, changedMs: null };
    // People of the provider are behind a wall for those of its customers.
    const changer = row.changer as { readonly name: string } | null;
    return {
      version: row.version,
      tests: systemTests.parse(row.document),
      hasPassword: row.passwordSealed !== null,
      changedByName: changer?.name ?? null,
      changedMs: row.changedAt.getTime(),
    };
  });
}
