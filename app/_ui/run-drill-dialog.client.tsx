'use client';
import { Radio, Select, Stack } from '@mantine/core';
import { IconShieldCheck } from '@tabler/icons-react';
import { useRouter } from 'next/navigation';
import { type ReactNode, useState } from 'react';
import { LEVEL_SENTENCES } from './drill-words.ts';
import { FormDialog } from './form-dialog.client.tsx';
import { Notice } from './notice.tsx';
import classes from './run-drill-dialog.module.css';

const LEVELS = [3, 4, 5] as const;
/** What a machine that alone holds the keys can do by itself. */
const BY_MACHINE = 3;
const CHOICE = { description: classes.choice ?? '' };
const POINTS = [
  { value: 'latest', label: 'The newest restore point' },
  { value: 'random', label: 'One of the last 30 days, drawn at random' },
  { value: 'oldest', label: 'The oldest that is kept' },
];

/**
 * Has a restore tested now, of a device's points or of one of them: how deep, how much, and of which point. Leads to the drill
 * that it began. Where the customer alone holds the keys, the machine makes it, and can compare a sample and no more.
 */
export function RunDrillDialog({
  of,
  deviceName,
  isByMachine = false,
  label = 'Test now…',
  isCompact = false,
}: {
  of: { readonly deviceId: string } | { readonly restorePointId: string };
  deviceName: string;
  isByMachine?: boolean;
  label?: string;
  isCompact?: boolean;
}): ReactNode {
  const router = useRouter();
  const [level, setLevel] = useState('3');
  const [scope, setScope] = useState('sample');
  const [point, setPoint] = useState('latest');
  return (
    <FormDialog
      button={label}
      buttonName={isCompact ? `Test a restore of ${deviceName}` : undefined}
      size={isCompact ? 'compact-sm' : 'sm'}
      icon={isCompact ? undefined : <IconShieldCheck size={16} />}
      title={`Test a restore of ${deviceName}`}
      refusal="The test was not begun"
      submit="Test the restore"
      onSend={async (send) => {
        const wish = { level: Number(level), scope };
        const [path, body] =
          'deviceId' in of
            ? [`/api/devices/${of.deviceId}/drill`, { ...wish, point }]
            : [`/api/restore-points/${of.restorePointId}/drill`, wish];
        const answer = await send<{ drillId: string }>(path, body, `The restore test of ${deviceName} is queued.`);
        if (answer.ok) router.push(`/drills/${answer.value.drillId}`);
        return answer;
      }}
    >
      {isByMachine && (
        <Notice tone="calm" title="The machine makes this test itself">
          Only the customer has the keys, so the service can open nothing. The machine restores a sample, and the
          service compares it with the hashes of the backup. Deeper tests need a key that the service holds.
        </Notice>
      )}
      <Radio.Group label="How deep" value={level} onChange={setLevel}>
        <Stack gap="xs" mt={6}>
          {LEVELS.map((one) => (
            <Radio
              classNames={CHOICE}
              key={one}
              value={String(one)}
              disabled={isByMachine && one > BY_MACHINE}
              label={`Level ${one}: ${LEVEL_SENTENCES[one]?.name}`}
              description={LEVEL_SENTENCES[one]?.means}
            />
          ))}
        </Stack>
      </Radio.Group>
      <Radio.Group label="How much" value={scope} onChange={setScope} mt="md">
        <Stack gap="xs" mt={6}>
          <Radio
            classNames={CHOICE}
            value="sample"
            label="A sample"
            description="Files drawn at random, and the canary. Takes seconds to minutes."
          />
          <Radio
            classNames={CHOICE}
            value="full"
            disabled={isByMachine}
            label="Everything"
            description="The whole restore point. Takes as long as a real recovery, and measures it."
          />
        </Stack>
      </Radio.Group>
      {'deviceId' in of && (
        <Select
          label="Of which state"
          data={POINTS}
          value={point}
          onChange={(value) => setPoint(value ?? 'latest')}
          allowDeselect={false}
          mt="md"
        />
      )}
    </FormDialog>
  );
}
