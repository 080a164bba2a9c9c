'use client';
import { useDebouncedValue } from '@mantine/hooks';
import { Spotlight } from '@mantine/spotlight';
import { IconDeviceDesktop, IconSearch } from '@tabler/icons-react';
import { useRouter } from 'next/navigation';
import { type KeyboardEvent, type ReactNode, useEffect, useState } from 'react';
import { getJson } from './post-json.ts';

interface Found {
  readonly id: string;
  readonly name: string;
  readonly hostname: string;
  readonly customerName: string;
}

interface PageChoice {
  readonly href: string;
  readonly label: string;
  readonly icon: ReactNode;
}

/** Ctrl K: devices by name or customer, from the server, so that it works for any number of them; and the pages by name. */
export function Search({ pages }: { pages: readonly PageChoice[] }): ReactNode {
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
      nothingFound={
        wanted === '' ? 'Type the name of a device or a customer.' : 'No device and no page has this in its name.'
      }
      searchProps={{
        leftSection: <IconSearch size={18} />,
        placeholder: 'Device, customer or page',
        'aria-label': 'Search',
        onKeyDown: openFirst,
      }}
      actions={[
        // What an older text has found is left out at once: Enter must not open what is no longer searched for.
        ...found
          .filter((device) => isMatch(device, text))
          .map((device) => ({
            id: device.id,
            label: device.name,
            description: `${device.customerName} · ${device.hostname}`,
            leftSection: <IconDeviceDesktop size={18} stroke={1.6} />,
            onClick: () => router.push(`/devices/${device.id}`),
          })),
        ...pages
          .filter(({ label }) => label.toLowerCase().includes(text.trim().toLowerCase()))
          .map((page) => ({
            id: page.href,
            label: page.label,
            description: 'Page',
            leftSection: page.icon,
            onClick: () => router.push(page.href),
          })),
      ]}
    />
  );
}

/** The library marks the first line when the text changes. What is found comes later: Enter then opened nothing. */
function openFirst(event: KeyboardEvent): void {
  if (event.key !== 'Enter' || event.nativeEvent.isComposing) return;
  if (document.querySelector('[data-action][data-selected]') !== null) return;
  document.querySelector<HTMLElement>('[data-action]')?.click();
}

function isMatch(device: Found, text: string): boolean {
  const wanted = text.toLowerCase();
  return [device.name, device.hostname, device.customerName].some((one) => one.toLowerCase().includes(wanted));
}
