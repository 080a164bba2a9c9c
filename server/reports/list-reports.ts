import { lastMonths } from '../../core/domain/calendar.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';

/** A year beside the present one and the next to it. */
const MONTHS_OFFERED = 14;
export const REPORTS_A_PAGE = 100;
/** Of a customer's own list: ten years. */
const MONTHS_SHOWN = 120;

export type ReportState =
  /** The month is under way, or waits for its last backups. */
  | 'open'
  /** Closed, and its paper is not drawn yet. */
  | 'waiting'
  | 'failed'
  /** Drawn; staff have not approved it. */
  | 'ready'
  /** An earlier revision was approved, and the figures were corrected since. */
  | 'corrected'
  | 'approved';

export interface ReportLine {
  readonly customerId: string;
  readonly customer: string;
  readonly month: string;
  readonly state: ReportState;
  /** The newest that is drawn; null: there is none. */
  readonly newest: ReportFile | null;
  /** What the customer has; null: nothing yet. */
  readonly approved: (ReportFile & { readonly approvedMs: number; readonly approvedBy: string }) | null;
  readonly errorMessage: string | null;
  /** Mails about what the customer has; `channels`: mail channels of the customer's own, without which nobody is told. */
  readonly mail: {
    readonly channels: number;
    readonly sent: number;
    readonly waiting: number;
    readonly failed: number;
  };
}

export interface ReportFile {
  readonly id: string;
  readonly revision: number;
  readonly sha256: string;
  readonly bytes: number;
  readonly drawnMs: number;
}

export interface ReportsView {
  readonly nowMs: number;
  readonly month: string;
  readonly months: readonly string[];
  /** What asks for something first: failed, corrected, ready. */
  readonly reports: readonly ReportLine[];
  readonly total: number;
  /** Over all customers, not those of the page. */
  readonly counts: Readonly<Record<ReportState, number>>;
}

interface Row {
  readonly customerId: string;
  readonly customer: string;
  readonly month: string;
  readonly state: ReportState;
  readonly newestId: string | null;
  readonly newestRevision: number | null;
  readonly newestSha256: string | null;
  readonly newestBytes: number | null;
  readonly newestMs: number | null;
  readonly approvedId: string | null;
  readonly approvedRevision: number | null;
  readonly approvedSha256: string | null;
  readonly approvedBytes: number | null;
  readonly approvedDrawnMs: number | null;
  readonly approvedMs: number | null;
  readonly approvedBy: string | null;
  readonly errorMessage: string | null;
  readonly mail: ReportLine['mail'];
}

/** The reports of one month, for staff. `month` null: the last one that is over. @throws HoldfastError forbidden. */
export async function listReports(
  services: Services,
  scope: Scope,
  { month, page }: { readonly month: string | null; readonly page: number },
): Promise<ReportsView> {
  requireStaff(scope);
  const nowMs = services.clock.nowMs();
  const months = lastMonths(nowMs, 'UTC', MONTHS_OFFERED);
  const wanted = month ?? months[1]!;
  return await withScope(services, scope, async (tx) => {
    const rows = await selectRows(tx, scope.tenantId, wanted);
    const counts = { open: 0, waiting: 0, failed: 0, ready: 0, corrected: 0, approved: 0 };
    for (const { state } of rows) counts[state] += 1;
    return {
      nowMs,
      month: wanted,
      months,
      reports: rows.slice((page - 1) * REPORTS_A_PAGE, page * REPORTS_A_PAGE).map(toLine),
      total: rows.length,
      counts,
    };
  });
}

async function selectRows(tx: Tx, tenantId: string, month: string): Promise<Row[]> {
  return await tx.$queryRaw<Row[]>`
    SELECT * FROM (
      SELECT m.customer_id AS "customerId", c.name AS customer, m.month,
        CASE WHEN m.frozen_at IS NULL THEN 'open'
          WHEN last.state = 'failed' THEN 'failed'
          WHEN last.state IS NULL OR last.state = 'queued' THEN 'waiting'
          WHEN last.approved_at IS NOT NULL THEN 'approved'
          WHEN a.id IS NOT NULL THEN 'corrected' ELSE 'ready' END AS state,
        n.id AS "newestId", n.revision AS "newestRevision", n.sha256 AS "newestSha256", n.bytes AS "newestBytes",
        epoch_ms(n.drawn_at) AS "newestMs", a.id AS "approvedId", a.revision AS "approvedRevision", a.sha256 AS "approvedSha256",
        a.bytes AS "approvedBytes", epoch_ms(a.drawn_at) AS "approvedDrawnMs", epoch_ms(a.approved_at) AS "approvedMs",
        u.name AS "approvedBy", last.error_message AS "errorMessage",
        (SELECT jsonb_build_object('channels', (SELECT count(*) FROM notification_channel h WHERE h.tenant_id = m.tenant_id
            AND h.customer_id = m.customer_id AND h.kind = 'email' AND h.removed_at IS NULL AND h.disabled_at IS NULL),
          'sent', count(*) FILTER (WHERE d.state = 'sent'), 'failed', count(*) FILTER (WHERE d.state IN ('failed', 'skipped')),
          'waiting', count(*) FILTER (WHERE d.state IN ('waiting', 'sending')))
          FROM notification k JOIN notification_delivery d ON d.tenant_id = k.tenant_id AND d.notification_id = k.id
          WHERE k.tenant_id = m.tenant_id AND k.subject_key = 'report:' || a.id) AS mail
      FROM customer_month m
      JOIN customer c ON c.tenant_id = m.tenant_id AND c.id = m.customer_id
      LEFT JOIN LATERAL (SELECT r.* FROM month_report r WHERE r.tenant_id = m.tenant_id AND r.customer_id = m.customer_id
        AND r.month = m.month ORDER BY r.revision DESC LIMIT 1) last ON true
      LEFT JOIN LATERAL (SELECT r.* FROM month_report r WHERE r.tenant_id = m.tenant_id AND r.customer_id = m.customer_id
        AND r.month = m.month AND r.state = 'ready' ORDER BY r.revision DESC LIMIT 1) n ON true
      LEFT JOIN LATERAL (SELECT r.* FROM month_report r WHERE r.tenant_id = m.tenant_id AND r.customer_id = m.customer_id
        AND r.month = m.month AND r.approved_at IS NOT NULL ORDER BY r.revision DESC LIMIT 1) a ON true
      LEFT JOIN app_user u ON u.tenant_id = a.tenant_id AND u.id = a.approved_by
      WHERE m.tenant_id = ${tenantId}::uuid AND m.month = ${month} AND m.sources > 0) x
    ORDER BY array_position(ARRAY['failed', 'corrected', 'ready', 'waiting', 'open', 'approved'], x.state), lower(customer), "customerId"`;
}

function toLine(row: Row): ReportLine {
  const { customerId, customer, month, state, errorMessage, mail } = row;
  return {
    ...{ customerId, customer, month, state, errorMessage, mail },
    newest:
      row.newestId === null
        ? null
        : {
            id: row.newestId,
            revision: row.newestRevision!,
            sha256: row.newestSha256!,
            bytes: row.newestBytes!,
            drawnMs: row.newestMs!,
          },
    approved:
      row.approvedId === null
        ? null
        : {
            id: row.approvedId,
            revision: row.approvedRevision!,
            sha256: row.approvedSha256!,
            bytes: row.approvedBytes!,
            drawnMs: row.approvedDrawnMs!,
            approvedMs: row.approvedMs!,
            approvedBy: row.approvedBy ?? '',
          },
  };
}

export interface OwnReport extends ReportFile {
  readonly month: string;
  readonly approvedMs: number;
}

/** A customer's own reports, the newest month first: of each month the newest revision that was approved. */
export async function listOwnReports(services: Services, scope: Scope, customerId: string): Promise<OwnReport[]> {
  const { tenantId } = scope;
  return await withScope(services, scope, async (tx) => {
    const rows = await tx.monthReport.findMany({
      where: { tenantId, customerId, approvedAt: { not: null } },
      distinct: ['month'],
      orderBy: [{ month: 'desc' }, { revision: 'desc' }],
      take: MONTHS_SHOWN,
    });
    return rows.map(({ id, revision, sha256, bytes, drawnAt, month, approvedAt }) => ({
      ...{ id, revision, month },
      // Held by a CHECK of the database for everything that is approved.
      sha256: sha256!,
      bytes: bytes!,
      drawnMs: drawnAt!.getTime(),
      approvedMs: approvedAt!.getTime(),
    }));
  });
}
