'use client';
import { type ReactNode, useState } from 'react';
import { FormDialog } from '../../../_ui/form-dialog.client.tsx';
import { inBytes, inGigabytes, QuotaField } from '../../../_ui/quota-field.client.tsx';

/** Agrees on what the vault of one device may hold, changes it, or takes it away. */
export function VaultQuota({
  deviceId,
  deviceName,
  quotaBytes,
}: {
  deviceId: string;
  deviceName: string;
  quotaBytes: number | null;
}): ReactNode {
  const [gigabytes, setGigabytes] = useState(inGigabytes(quotaBytes));
  return (
    <FormDialog
      button={quotaBytes === null ? 'Set a quota…' : 'Change the quota…'}
      title={`What the vault of ${deviceName} may hold`}
      submit="Keep"
      onSend={(send) => send(`/api/devices/${deviceId}/quota`, { quotaBytes: inBytes(gigabytes) }, 'Kept.')}
    >
      <QuotaField value={gigabytes} onChange={setGigabytes} />
    </FormDialog>
  );
}
