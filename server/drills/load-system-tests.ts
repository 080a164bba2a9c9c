import { type SystemTests, systemTests } from '../../core/domain/system-tests.ts';
import type { Tx } from '../db/client.ts';
import type { Services } from '../services.ts';

export interface DeclaredTests {
  readonly tests: SystemTests;
  /** Typed at a sign-in. It goes to a sandbox child over its pipe, and into no evidence, log or page. */
  readonly password: string | null;
}

const NOTHING: DeclaredTests = { tests: {}, password: null };

/** What is declared of a source for drills of level 5; nothing where nobody did. */
export async function loadSystemTests(
  services: Pick<Services, 'keys'>,
  tx: Tx,
  tenantId: string,
  sourceId: string,
): Promise<DeclaredTests> {
  const row = await tx.systemTest.findUnique({ where: { tenantId_sourceId: { tenantId, sourceId } } });
  if (row === null) return NOTHING;
  const tests = systemTests.parse(row.document);
  if (row.passwordSealed === null) return { tests, password: null };
  const tenant = await tx.tenant.findUniqueOrThrow({ where: { id: tenantId } });
  return { tests, password: services.keys.open(tenant, passwordPlace(sourceId), row.passwordSealed).toString('utf8') };
}

export function passwordPlace(sourceId: string) {
  return { table: 'system_test', row: sourceId, column: 'password_sealed' };
}
