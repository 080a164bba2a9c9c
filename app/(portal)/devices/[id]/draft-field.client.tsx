'use client';
import { Textarea, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';

export interface FieldTerms {
  readonly about?: string;
  readonly placeholder?: string;
  /** Several lines may be written, beginning with so many. */
  readonly lines?: number;
}

/** What a form of many fields works on: what was typed, what is wrong with one of them, and how to change it. */
export interface DraftTerms<Draft> {
  readonly draft: Draft;
  readonly mistake: { readonly field: keyof Draft | undefined; readonly message: string } | null;
  readonly onChange: (change: Partial<Draft>) => void;
}
type TextKey<Draft> = { [Key in keyof Draft]: string extends Draft[Key] ? Key : never }[keyof Draft];

/** `text(field, label, more)` for the text fields of a draft; the one that is wrong says so. */
export function textFields<Draft>({ draft, mistake, onChange }: DraftTerms<Draft>) {
  return (field: TextKey<Draft>, label: string, { about, placeholder, lines }: FieldTerms = {}): ReactNode => {
    const change = (value: string): void => onChange({ [field]: value } as Partial<Draft>); // a text, as every TextKey is
    const terms = {
      label,
      description: about,
      placeholder,
      value: String(draft[field]),
      error: mistake?.field === field ? mistake.message : undefined,
    };
    return lines === undefined ? (
      <TextInput {...terms} onChange={(event) => change(event.currentTarget.value)} />
    ) : (
      <Textarea
        {...terms}
        autosize
        minRows={lines}
        maxRows={16}
        onChange={(event) => change(event.currentTarget.value)}
      />
    );
  };
}
