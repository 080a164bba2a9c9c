'use client';
import { SegmentedControl, useMantineColorScheme } from '@mantine/core';
import { useMounted } from '@mantine/hooks';
import { IconDeviceDesktop, IconMoon, IconSun } from '@tabler/icons-react';
import type { ReactNode } from 'react';

const CHOICES = [
  { value: 'light', name: 'Light', icon: <IconSun size={15} /> },
  { value: 'dark', name: 'Dark', icon: <IconMoon size={15} /> },
  { value: 'auto', name: 'As the system', icon: <IconDeviceDesktop size={15} /> },
] as const;

/** Light, dark, or what the system says. Kept in this browser. */
export function ThemeSwitch(): ReactNode {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  // The server does not know the choice of this browser: it is shown once the page runs.
  const isMounted = useMounted();
  return (
    <SegmentedControl
      aria-label="Colours"
      size="xs"
      fullWidth
      value={isMounted ? colorScheme : 'auto'}
      onChange={(value) => setColorScheme(value)}
      data={CHOICES.map((choice) => ({
        value: choice.value,
        label: (
          <span title={choice.name} style={{ display: 'grid', placeItems: 'center', height: 18 }}>
            {choice.icon}
            <span className="hf-visually-hidden">{choice.name}</span>
          </span>
        ),
      }))}
    />
  );
}
