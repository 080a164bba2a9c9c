'use client';
import { useDebouncedValue } from '@mantine/hooks';
import { Spotlight } from '@mantine/spotlight';
import { IconDeviceDesktop, IconSearch } from '@tabler/icons-react';
import { useRouter } from 'next/navigation';
import { type ReactNode, useEffect, useState } from 'react';
import { getJson } from './post-json.ts';

interface Found {
  readonly id: string;
  readonly name: string;
  readonly hostname: string;
  readonly customerName: string;
}

/** Ctrl K: devices by name or customer, from the server, so that it works for any number of them. */
export function Search(): ReactNode {
  const router = useRouter();
  const [text, setText] = useState('');
  const [isOpen, setOpen] = useState(false);
  const [wanted] = useDebouncedValue(text, 150);
  const [found, setFound] = useState<readonly Found[]>([]);

  useEffect(() => {
    if (!isOpen) return;
    let isCurrent = true;
    void getJson<{ devices: Found[] }>(`/api/search?text=${encodeURIComponent(wanted)}`).then((answer) => {
      // A slow answer to an older text must not replace a newer one.
      if (isCurrent) setFound(answer.ok ? answer.value.devices : []);
    });
    return () => {
      isCurrent = false;
    };
  }, [wanted, isOpen]);

  return (
    <Spotlight
      shortcut={['mod + K', '/']}
      query={text}
      onQueryChange={setText}
      onSpotlightOpen={() => setOpen(true)}
      onSpotlightClose={() => setOpen(false)}
      filter={(_, actions) => actions}
      nothingFound={wanted === '' ? 'Type the name of a device or a customer.' : 'No device has this in its name.'}
      searchProps={{ leftSection: <IconSearch size={18} />, placeholder: 'Device or customer', 'aria-label': 'Search' }}
      actions={found.map((device) => ({
        id: device.id,
        label: device.name,
        description: `${device.customerName} · ${device.hostname}`,
        leftSection: <IconDeviceDesktop size={18} stroke={1.6} />,
        onClick: () => router.push(`/devices/${device.id}`),
      }))}
    />
  );
}
