import { HoldfastError } from '../../core/base/errors.ts';
import { type PolicyDocument, policyDocument } from '../../core/domain/policy.ts';
import { commitManifest, type CommitManifest, isManifestSignatureValid } from '../../core/protocol/manifest.ts';
import type { Scope } from '../access/scope.ts';
import type { BackupRun } from '../db/generated/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';

export interface LedgerEntry {
  readonly key: string;
  readonly kind: string;
  readonly size: bigint;
  readonly crc32c: string;
  readonly state: string;
}

/** A committed run and what it takes to check it. */
export interface SealWork {
  readonly run: BackupRun;
  readonly vaultPrefix: string;
  readonly timeZone: string;
  readonly policy: PolicyDocument;
  readonly manifest: CommitManifest;
  /** Every object of the vault that the ledger knows, by key. */
  readonly ledger: ReadonlyMap<string, LedgerEntry>;
}

/** Undefined: the run waits for no seal (any more). @throws HoldfastError commit_invalid when the stored manifest was altered. */
export async function loadSeal(services: Services, scope: Scope, runId: string): Promise<SealWork | undefined> {
  return await withScope(services, scope, async (tx) => {
    const run = await tx.backupRun.findUnique({
      where: { tenantId_id: { tenantId: scope.tenantId, id: runId } },
      include: { manifest: true, vault: true, device: { include: { policy: true, customer: true } } },
    });
    if (run === null || run.state !== 'committed') return undefined;
    const { manifest: signed, vault, device, ...bare } = run;
    // The signature was checked when it came; a row that was changed since must not decide what is kept.
    if (signed === null || !isManifestSignatureValid(signed, device.publicKey))
      throw new HoldfastError(
        'commit_invalid',
        'The backup was not accepted: its manifest no longer fits the device’s signature. Earlier backups are not affected.',
      );
    const rows = await tx.storedObject.findMany({
      where: { tenantId: scope.tenantId, vaultId: vault.id },
      select: { key: true, kind: true, size: true, crc32c: true, state: true },
    });
    return {
      run: bare,
      vaultPrefix: vault.prefix,
      timeZone: device.customer.timezone,
      policy: policyDocument.parse(device.policy.document),
      manifest: commitManifest.parse(JSON.parse(signed.text)),
      ledger: new Map(rows.map((row) => [row.key, row])),
    };
  });
}
