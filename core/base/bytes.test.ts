import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { portableBytes } from './portable-bytes.ts';

const seed = Number(process.env.HOLDFAST_TEST_SEED ?? randomInt(2 ** 31));
console.log(`bytes seed ${seed}`);
const options = { seed, numRuns: 2000 };
const bytes = fc.uint8Array({ maxLength: 60 });

test('a browser spells bytes as Node does: hex, base64, latin1, UTF-8 with and without bad bytes', () => {
  fc.assert(
    fc.property(bytes, (given) => {
      const buffer = Buffer.from(given);
      expect(portableBytes.hexOf(given)).toBe(buffer.toString('hex'));
      const half = given.length >> 1;
      expect(portableBytes.hexOf(given, 1, half)).toBe(buffer.toString('hex', 1, half));
      expect(portableBytes.base64Of(given)).toBe(buffer.toString('base64'));
      expect(portableBytes.latin1Of(given)).toBe(buffer.toString('latin1'));
      expect(portableBytes.utf8Of(given)).toBe(buffer.toString('utf8'));
    }),
    options,
  );
});

test('a browser reads text as Node does, text that is not what it should be too', () => {
  const textIn = (letters: string) => fc.string({ unit: fc.constantFrom(...letters.split('')), maxLength: 40 });
  fc.assert(
    fc.property(textIn('0123456789abcdefABCDEFgz '), textIn('ABab01+/-_=\n é'), fc.string(), (hex, base64, text) => {
      expect([...portableBytes.bytesOfHex(hex)], hex).toEqual([...Buffer.from(hex, 'hex')]);
      const packed = base64.includes('=') ? base64.slice(0, base64.indexOf('=')) : base64;
      expect([...portableBytes.bytesOfBase64(packed)], packed).toEqual([...Buffer.from(packed, 'base64')]);
      expect([...portableBytes.bytesOfUtf8(text)]).toEqual([...Buffer.from(text, 'utf8')]);
    }),
    options,
  );
  expect([...portableBytes.bytesOfUtf8('\ud800 \ufeff')]).toEqual([...Buffer.from('\ud800 \ufeff')]);
  expect(portableBytes.utf8Of(Buffer.from('\ufeffx'))).toBe('\ufeffx');
});

test('a browser joins and orders bytes as Node does', () => {
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 4 }), bytes, bytes, (parts, a, b) => {
      expect([...portableBytes.concatBytes(parts)]).toEqual([...Buffer.concat(parts)]);
      expect(portableBytes.compareBytes(a, b)).toBe(Buffer.compare(a, b));
      expect(portableBytes.compareBytes(a, a.slice())).toBe(0);
    }),
    options,
  );
  expect(portableBytes.latin1Of(new Uint8Array(200_000).fill(0xe9))).toBe('é'.repeat(200_000));
});
