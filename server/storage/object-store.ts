/** The object store that the settings choose, and where things lie in it. */
import { createFileStore } from '../../core/storage/file-store.ts';
import { createGcsStore, type GcsCredentials } from '../../core/storage/gcs-store.ts';
import type { Clock } from '../../core/base/clock.ts';
import type { ObjectStore } from '../../core/storage/port.ts';
import type { ServerEnv } from '../env.ts';

export function createObjectStore(env: ServerEnv, clock: Clock): ObjectStore {
  if (env.HOLDFAST_STORE === 'gcs') {
    return createGcsStore({
      bucket: env.HOLDFAST_GCS_BUCKET ?? '', // env.ts refuses gcs without a bucket
      clock,
      ...(env.HOLDFAST_GCS_PREFIX === undefined ? {} : { prefix: env.HOLDFAST_GCS_PREFIX }),
      storage: env.HOLDFAST_GCS_API_ENDPOINT === undefined ? {} : { apiEndpoint: env.HOLDFAST_GCS_API_ENDPOINT },
      ...(env.HOLDFAST_GCS_CREDENTIALS_JSON === undefined
        ? {}
        : { credentials: JSON.parse(env.HOLDFAST_GCS_CREDENTIALS_JSON) as GcsCredentials }),
    });
  }
  return createFileStore({
    root: env.HOLDFAST_STORE_PATH ?? '', // env.ts refuses file without a path
    clock,
    signing: {
      baseUrl: env.HOLDFAST_GATEWAY_URL,
      key: Buffer.from(env.HOLDFAST_STORE_SIGNING_KEY ?? '', 'base64'),
    },
  });
}

export function vaultPrefix(tenantId: string, vaultId: string): string {
  return `v/${tenantId}/${vaultId}`;
}

/** Index and snapshot files wait here until the seal places them: nothing unchecked ever enters a repository. */
export function stagedKey(tenantId: string, vaultId: string, runId: string, key: string): string {
  return `staging/${tenantId}/${vaultId}/${runId}/${key}`;
}

export function downloadKey(tenantId: string, downloadId: string): string {
  return `downloads/${tenantId}/${downloadId}`;
}

/** Named by its bytes as well: a worker that was taken for dead, and draws on, replaces nothing that was recorded meanwhile. */
export function reportKey(tenantId: string, customerId: string, reportId: string, sha256: string): string {
  return `reports/${tenantId}/${customerId}/${reportId}/${sha256}.pdf`;
}

/** Outside of every vault: what lies here is kept apart from the data that it speaks about. */
export function anchorKey(tenantId: string, customerId: string, day: string): string {
  return `evidence/${tenantId}/${customerId}/${day}.json`;
}
