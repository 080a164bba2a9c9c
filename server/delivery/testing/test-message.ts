import type { OutgoingMessage, ToldNotification } from '../channels/message.ts';

export const TEST_AT = Date.UTC(2026, 10, 21, 15, 4, 0);

export function toldOf(changes: Partial<ToldNotification> = {}): ToldNotification {
  return {
    id: '0190aaaa-0000-7ccc-8ddd-000000000001',
    subjectKey: 'alert:0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee',
    transition: 'opened',
    severity: 'critical',
    kind: 'silent',
    customerId: '0190aaaa-cccc-7ccc-8ddd-eeeeeeeeeeee',
    customerName: 'Lindqvist Dental',
    subjectName: 'FRONT-DESK',
    title: 'The machine is silent',
    message: 'FRONT-DESK has not called for a long time, so it backs up nothing. Check that it is on.',
    path: '/devices/0190aaaa-dddd-7ccc-8ddd-eeeeeeeeeeee',
    atMs: TEST_AT,
    ...changes,
  };
}

export function messageOf(
  told: readonly [ToldNotification, ...ToldNotification[]] = [toldOf()],
  changes: Partial<OutgoingMessage> = {},
): OutgoingMessage {
  return {
    key: 'msg_0190aaaa-1111-7ccc-8ddd-eeeeeeeeeeee',
    channelId: '0190aaaa-2222-7ccc-8ddd-eeeeeeeeeeee',
    told,
    providerName: 'Northgate IT',
    portalUrl: 'https://portal.northgate.com',
    sentMs: TEST_AT,
    ...changes,
  };
}
