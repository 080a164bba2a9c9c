'use client';
import { NativeSelect } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useRouter } from 'next/navigation';
import type { ReactNode } from 'react';
import { DEVICE_CLASSES } from '../../../../core/domain/alerts/rules.ts';
import type { DeviceView } from '../../../../server/devices/queries.ts';
import { postJson } from '../../../_ui/post-json.ts';

/** What the device is: alerts have other limits for servers than for workstations. */
export function ClassSelect({
  deviceId,
  deviceClass,
}: {
  deviceId: string;
  deviceClass: DeviceView['deviceClass'];
}): ReactNode {
  const router = useRouter();
  const choose = async (value: string): Promise<void> => {
    const chosen = DEVICE_CLASSES.find((one) => one === value) ?? null;
    const answer = await postJson(`/api/devices/${deviceId}/class`, { deviceClass: chosen });
    notifications.show(
      answer.ok
        ? { message: 'Kept. Alerts use the limits of its class.', color: 'harbour' }
        : { title: 'Not done', message: answer.message, color: 'red' },
    );
    router.refresh();
  };
  return (
    <NativeSelect
      aria-label="Class"
      size="xs"
      value={deviceClass.isGuessed ? '' : deviceClass.is}
      data={[
        { value: '', label: `${deviceClass.isGuessed ? `${deviceClass.is}, ` : ''}as the service thinks` },
        ...DEVICE_CLASSES.map((one) => ({ value: one, label: one })),
      ]}
      onChange={(event) => void choose(event.currentTarget.value)}
    />
  );
}
