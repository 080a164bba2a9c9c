'use client';
import { createTheme, type MantineColorsTuple } from '@mantine/core';

/** The one accent. Green, amber and red belong to states and are never used for decoration. */
const harbour: MantineColorsTuple = [
  '#eef3ff',
  '#dbe5fb',
  '#b6c9f5',
  '#90aef2',
  '#7ea1f5',
  '#4f78df',
  '#2f58cb',
  '#2749ad',
  '#213c8c',
  '#1b306e',
];

export const theme = createTheme({
  primaryColor: 'harbour',
  primaryShade: { light: 6, dark: 6 },
  colors: { harbour },
  fontFamily: "'Inter Variable', ui-sans-serif, system-ui, sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SFMono-Regular', Menlo, Consolas, 'DejaVu Sans Mono', monospace",
  defaultRadius: 6,
  cursorType: 'pointer',
  focusRing: 'auto',
  respectReducedMotion: true,
  // A cross alone has no name: not in a dialog, and not in the message that flies in.
  components: { CloseButton: { defaultProps: { 'aria-label': 'Close' } } },
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.25rem' },
});
