import { createCipheriv } from 'node:crypto';
import { expect, test } from 'vitest';
import { freeBytes } from './free-bytes.ts';

test('what a cipher gave is gone at once', () => {
  const bytes = createCipheriv('aes-256-ctr', Buffer.alloc(32), Buffer.alloc(16)).update(Buffer.alloc(100_000));
  const { buffer } = bytes;
  freeBytes(bytes);
  expect([bytes.length, buffer.byteLength]).toEqual([0, 0]);
});

test('a part of some memory, shared memory and little of it are left alone', () => {
  const memory = new Uint8Array(100_000).fill(1);
  const shared = new Uint8Array(new SharedArrayBuffer(100_000));
  const small = new Uint8Array(100);
  for (const bytes of [memory.subarray(1), memory.subarray(0, 99_999), shared, small]) {
    const { length } = bytes;
    freeBytes(bytes);
    expect(bytes.length).toBe(length);
  }
});
