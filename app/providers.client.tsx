'use client';
import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import type { ReactNode } from 'react';
import { theme } from './theme.ts';

/** What the component library needs around every page. The nonce lets its few style elements pass the content policy. */
export function Providers({ nonce, children }: { nonce: string; children: ReactNode }): ReactNode {
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={() => nonce} deduplicateInlineStyles>
      <Notifications position="bottom-right" limit={3} />
      {children}
    </MantineProvider>
  );
}
