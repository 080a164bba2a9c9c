/** What the machines of a scenario would have told of themselves: those that can tell, an hour ago. */
import type { Tx } from '../db/client.ts';
import { sqlFragment } from '../db/sql-fragment.ts';

/**
 * Linux machines with a volume for the system and one for the data, some with a scratch volume that nobody selects; a PostgreSQL where the
 * policy has one, and here and there a database server that nobody has thought of. Chance follows from the ids.
 */
export async function writeInventories(tx: Tx, tenantId: string, atMs: number): Promise<void> {
  const drawn = (salt: number) => sqlFragment`abs(hashtextextended(d.id::text, ${salt}::bigint))`;
  const volume = (place: string, used: ReturnType<typeof sqlFragment>, size: ReturnType<typeof sqlFragment>) =>
    sqlFragment`jsonb_build_object('mountPoint', ${place}::text, 'fileSystem', 'ext4', 'usedBytes', ${used}, 'sizeBytes', ${size})`;
  const server = (kind: string, socket: string, port: number, folder: string) =>
    sqlFragment`jsonb_build_array(jsonb_build_object('kind', ${kind}::text, 'socket', ${socket}::text, 'port', ${port}::int,
      'dataFolder', ${folder}::text, 'container', NULL))`;
  await tx.$executeRaw`
    INSERT INTO device_inventory (tenant_id, device_id, customer_id, volumes, databases, received_at)
    SELECT d.tenant_id, d.id, d.customer_id,
      jsonb_build_array(${volume('/', sqlFragment`20000000000 + ${drawn(11)} % 20000000000`, sqlFragment`80000000000`)},
        ${volume('/srv', sqlFragment`p.bytes + p.bytes / 50`, sqlFragment`p.bytes * 2`)})
        || CASE WHEN ${drawn(12)} % 4 = 0 THEN jsonb_build_array(${volume('/scratch', sqlFragment`p.bytes / 6`, sqlFragment`p.bytes`)}) ELSE '[]' END,
      CASE WHEN jsonb_path_exists(o.document, '$.sources[*] ? (@.kind == "postgres")')
          THEN ${server('postgres', '/run/postgresql', 5432, '/var/lib/postgresql/17/main')} ELSE '[]' END
        || CASE WHEN ${drawn(13)} % 3 = 0 THEN ${server('mysql', '/run/mysqld/mysqld.sock', 3306, '/var/lib/mysql')} ELSE '[]' END,
      ${new Date(atMs)}::timestamptz - interval '1 hour'
    FROM device d JOIN policy o ON o.tenant_id = d.tenant_id AND o.id = d.policy_id
    CROSS JOIN LATERAL (SELECT n.bytes FROM restore_point n JOIN source s ON s.tenant_id = n.tenant_id AND s.id = n.source_id
      WHERE s.tenant_id = d.tenant_id AND s.device_id = d.id AND n.state = 'sealed' AND n.is_usable
      ORDER BY n.capture_at DESC LIMIT 1) p
    WHERE d.tenant_id = ${tenantId}::uuid AND d.os = 'linux' AND d.revoked_at IS NULL`;
}
