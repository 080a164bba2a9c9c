import { randomUUID } from 'node:crypto';

type Row = Readonly<Record<string, unknown>>;

/** One row in every table of what people are told. */
export function deliveryRows(
  own: { readonly tenant_id: string; readonly customer_id: string },
  channelId: string,
): [string, Row][] {
  const at = new Date().toISOString();
  const later = new Date(Date.now() + 60_000).toISOString();
  return [
    [
      'queue_alert',
      {
        tenant_id: own.tenant_id,
        id: randomUUID(),
        queue: 'seal',
        title: 'canary',
        message: 'canary',
        opened_at: at,
        resolved_at: later,
      },
    ],
    [
      'notification',
      {
        ...own,
        id: randomUUID(),
        source_key: randomUUID(),
        subject_key: 'canary',
        transition: 'notice',
        severity: 'info',
        kind: 'canary',
        subject_name: 'canary',
        title: 'canary',
        message: 'canary',
        path: '/',
        at,
      },
    ],
    ['notification_channel', { ...own, id: channelId, kind: 'email', name: 'canary', settings: {}, routing: {} }],
    [
      'notification_delivery',
      {
        ...own,
        id: randomUUID(),
        channel_id: channelId,
        notification_id: randomUUID(),
        message_key: 'canary',
        state: 'sent',
        due_at: at,
        ended_at: at,
      },
    ],
    ['external_ticket', { ...own, channel_id: channelId, subject_key: 'canary', reference: 'canary', opened_at: at }],
    ['mail_sender', { tenant_id: own.tenant_id, id: randomUUID(), from_name: 'canary', from_address: 'canary@x.test' }],
  ];
}
