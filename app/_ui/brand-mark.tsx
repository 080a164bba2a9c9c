import type { ReactNode } from 'react';

/** The mark: a shackle that holds, over a keel line. Drawn here, one colour, so that it follows the text. */
export function BrandMark({ size = 24 }: { size?: number }): ReactNode {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="none" aria-hidden="true" focusable="false">
      <rect width="24" height="24" rx="6.5" fill="var(--hf-brand, #2749ad)" />
      <path d="M7.2 6v12M16.8 6v12" stroke="#fff" strokeWidth="2.3" strokeLinecap="round" />
      <path d="M7.2 12c2.4-2.9 7.2-2.9 9.6 0" stroke="#fff" strokeWidth="2.3" strokeLinecap="round" />
      <circle cx="12" cy="15.6" r="1.5" fill="#fff" />
    </svg>
  );
}
