/** What metric 5 is computed from: what the machines of a customer hold, and what of it is in their newest usable restore points. */
import { z } from 'zod';
import type { BackupSource } from '../../core/domain/backup-source.ts';
import { policyDocument } from '../../core/domain/policy.ts';
import { type CoverageFacts, INVENTORY_FRESH_MS } from '../../core/domain/sla/data-coverage.ts';
import { type Inventory, inventoryRequest } from '../../core/protocol/inventory.ts';
import type { Tx } from '../db/client.ts';

export interface NamedCoverage extends CoverageFacts {
  readonly deviceId: string;
  readonly deviceName: string;
  /** With sizes; null as in the facts. */
  readonly volumes: Inventory['volumes'];
  /** When the machine last said it, milliseconds since the epoch; null: it never did. */
  readonly receivedMs: number | null;
  /** Folders and files that its policy selects. */
  readonly paths: readonly string[];
}

interface Row {
  readonly deviceId: string;
  readonly deviceName: string;
  readonly policy: unknown;
  readonly volumes: unknown;
  readonly databases: unknown;
  readonly receivedMs: number | null;
  readonly selectedBytes: number;
  readonly dumped: unknown;
  readonly excluded: unknown;
}

/** Of each source's newest usable restore point, as its manifest named them. */
const dumps = z.array(z.array(z.object({ kind: z.string(), label: z.string() })));
const exclusions = z.array(z.strictObject({ kind: z.enum(['volume', 'database']), subject: z.string() }));

/** Every device in service, by name; of one alone where `deviceId` is given. */
export async function loadCoverageFacts(
  tx: Tx,
  {
    tenantId,
    customerId,
    deviceId = null,
  }: { readonly tenantId: string; readonly customerId: string; readonly deviceId?: string | null },
  nowMs: number,
): Promise<NamedCoverage[]> {
  const rows = await tx.$queryRaw<Row[]>`
    SELECT d.id AS "deviceId", d.name AS "deviceName", o.document AS policy, i.volumes, i.databases,
      epoch_ms(i.received_at) AS "receivedMs", coalesce(n.bytes, 0)::float8 AS "selectedBytes", coalesce(n.dumped, '[]') AS dumped,
      coalesce(x.excluded, '[]') AS excluded
    FROM device d JOIN policy o ON o.tenant_id = d.tenant_id AND o.id = d.policy_id
    LEFT JOIN device_inventory i ON i.tenant_id = d.tenant_id AND i.device_id = d.id
    LEFT JOIN LATERAL (
      SELECT sum(p.bytes) AS bytes, jsonb_agg(p.dumped) AS dumped FROM source s
      CROSS JOIN LATERAL (SELECT bytes, jsonb_path_query_array(witness, '$[*] ? (@.role == "dump").dump') AS dumped
        FROM restore_point p WHERE p.tenant_id = s.tenant_id AND p.source_id = s.id
          AND p.state = 'sealed' AND p.is_usable ORDER BY p.capture_at DESC LIMIT 1) p
      WHERE s.tenant_id = d.tenant_id AND s.device_id = d.id) n ON true
    LEFT JOIN LATERAL (SELECT jsonb_agg(jsonb_build_object('kind', e.kind, 'subject', e.subject)) AS excluded
      FROM coverage_exclusion e WHERE e.tenant_id = d.tenant_id AND e.device_id = d.id AND e.withdrawn_at IS NULL) x ON true
    WHERE d.tenant_id = ${tenantId}::uuid AND d.customer_id = ${customerId}::uuid AND d.revoked_at IS NULL
      AND (${deviceId}::uuid IS NULL OR d.id = ${deviceId}::uuid)
    ORDER BY d.name, d.id`;
  return rows.map((row) => {
    const { sources = [], paths } = policyDocument.parse(row.policy);
    // What a machine has not said for long is not known any more.
    const isFresh = row.receivedMs !== null && nowMs - row.receivedMs <= INVENTORY_FRESH_MS;
    const said = isFresh ? readInventory(row) : { volumes: null, databases: null };
    const excluded = exclusions.parse(row.excluded);
    const ofKind = (kind: 'volume' | 'database') =>
      new Set(excluded.flatMap((one) => (one.kind === kind ? [one.subject] : [])));
    return {
      ...said,
      deviceId: row.deviceId,
      deviceName: row.deviceName,
      receivedMs: row.receivedMs,
      selectedBytes: row.selectedBytes,
      sources,
      paths: [...paths, ...filePaths(sources)],
      dumped: new Set(dumps.parse(row.dumped).flatMap((all) => all.map(({ kind, label }) => `${kind}/${label}`))),
      excludedVolumes: ofKind('volume'),
      excludedDatabases: ofKind('database'),
    };
  });
}

/** As it was when it came. A part that an older version wrote otherwise is not known. */
function readInventory({ volumes, databases }: Pick<Row, 'volumes' | 'databases'>): Inventory {
  const { shape } = inventoryRequest;
  return {
    volumes: shape.volumes.catch(null).parse(volumes),
    databases: shape.databases.catch(null).parse(databases),
  };
}

function filePaths(sources: readonly BackupSource[]): string[] {
  return sources.flatMap((source) =>
    source.kind === 'files' ? source.paths : source.kind === 'sqlite' ? source.files : [],
  );
}
