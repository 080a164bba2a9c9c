'use client';
import { NumberInput } from '@mantine/core';
import type { ReactNode } from 'react';

const GB = 1e9;

/** Gigabytes as they are typed; empty: nothing is agreed. */
export type Gigabytes = number | string;

export function inGigabytes(bytes: number | null): Gigabytes {
  return bytes === null ? '' : bytes / GB;
}

export function inBytes(gigabytes: Gigabytes): number | null {
  return gigabytes === '' ? null : Number(gigabytes) * GB;
}

export function QuotaField({ value, onChange }: { value: Gigabytes; onChange: (value: Gigabytes) => void }): ReactNode {
  return (
    <NumberInput
      label="Quota"
      description="Empty: nothing is agreed. Being full alerts, and stops no backup."
      suffix=" GB"
      min={1}
      max={1_000_000_000}
      value={value}
      onChange={onChange}
      mt="sm"
    />
  );
}
