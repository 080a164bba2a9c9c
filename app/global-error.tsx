'use client';
import type { ReactNode } from 'react';

/** The last resort: the frame of the portal itself failed, so nothing of it may be used here. */
export default function GlobalError({ reset }: { reset: () => void }): ReactNode {
  return (
    <html lang="en">
      <body>
        <h1>The portal could not be shown</h1>
        <p>Backups and restore drills run apart from it and are not affected.</p>
        <button type="button" onClick={reset}>
          Try again
        </button>
      </body>
    </html>
  );
}
