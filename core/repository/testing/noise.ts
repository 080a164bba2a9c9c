import { createCipheriv, createHash } from 'node:crypto';

/** Bytes that look random and are the same in every run; fast enough for tens of megabytes. */
export function noise(size: number, seed: string): Buffer {
  const key = createHash('sha256').update(seed).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size));
}
