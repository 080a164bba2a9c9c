/** Parsers of stored bytes: whatever comes, they answer or refuse as damaged; they never crash, hang or invent. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isHoldfastError } from '../../base/errors.ts';
import type { TreeNode } from '../types.ts';
import { decodeConfig } from './config.ts';
import { goTime, jsonString, parseGoTime, quoteName, unquoteName } from './go-text.ts';
import { decodeIndex, encodeIndex } from './index-file.ts';
import { decodeKeyFile } from './key-file.ts';
import { decodePackHeader, encodePackHeader, headerColumnsOf, readPackTrailer } from './pack-header.ts';
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts';
import { decodeTree, encodeNode, encodeTree } from './tree.ts';
import { decodeUnpacked, encodeUnpacked } from './unpacked.ts';

/** Put the printed seed here to repeat a run. */
const seed = Math.floor(Math.random() * 2 ** 31);
console.log(`parsers fuzz seed ${seed}`);
const runs = { seed, numRuns: 2000 };

const byteString = fc.uint8Array({ minLength: 1, maxLength: 40 });
/** Half of them near the characters that the rules are about. */
const name = fc.oneof(
  byteString,
  fc
    .array(fc.constantFrom(...Array.from('\\"<>&\u2028\u200b\u00a0\ue000😀é\x07\b\f\v\x7f'), '\ufffd', '\u{e0001}'), {
      minLength: 1,
    })
    .map((parts) => Buffer.from(parts.join(''))),
);
const id = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const uint64 = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n });
const time = fc.bigInt({ min: -62_167_219_200n * 10n ** 9n, max: 253_402_300_799n * 10n ** 9n });

/** Names in the form in which the format can hold them: UTF-8. */
const attribute = fc.record({
  name: fc.string({ minLength: 1, unit: 'binary' }).map((text) => Buffer.from(text)),
  value: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
});

const node: fc.Arbitrary<TreeNode> = fc
  .record({
    name,
    mode: fc.integer({ min: 0, max: 0xffff_ffff }),
    time,
    uid: fc.integer({ min: 0, max: 0xffff_ffff }),
    inode: uint64,
    deviceId: uint64,
    content: fc.array(id, { maxLength: 4 }),
    target: byteString,
    user: fc.string({ minLength: 1, unit: 'binary' }),
    isLink: fc.boolean(),
    attributes: fc.array(attribute, { maxLength: 3 }),
  })
  .map(({ time: at, content, target, isLink, uid, attributes, ...rest }) => {
    const text = goTime(at, () => 90 * 60);
    const some = attributes.length === 0 ? {} : { extendedAttributes: attributes };
    const common = { ...rest, ...some, uid, gid: uid, mtime: text, atime: text, ctime: text };
    return isLink
      ? { ...common, type: 'symlink', content: null, linkTarget: target }
      : { ...common, type: 'file', content, size: BigInt(content.length) + 1n, links: 1n };
  });

/** Runs a parser on hostile bytes: it returns, or refuses as damaged. */
function survives(parse: (bytes: Uint8Array) => unknown, bytes: Uint8Array): void {
  try {
    parse(bytes);
  } catch (error) {
    if (!isHoldfastError(error, 'repository_damaged')) throw error;
  }
}

/** Valid bytes with some of them changed, cut or doubled. */
function mutated(valid: Uint8Array): fc.Arbitrary<Uint8Array> {
  return fc
    .array(
      fc.tuple(fc.nat(valid.length - 1), fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('[]{}",:0-9\\n')))),
      {
        minLength: 1,
        maxLength: 6,
      },
    )
    .chain((changes) =>
      fc.tuple(fc.nat(valid.length), fc.boolean()).map(([cut, isCut]) => {
        const bytes = Buffer.from(valid);
        for (const [at, value] of changes) bytes[at] = value;
        return isCut ? bytes.subarray(0, cut) : bytes;
      }),
    );
}

test('any name survives quoting, and the stored text is JSON that says the same', () => {
  fc.assert(
    fc.property(name, (bytes) => {
      const quoted = quoteName(bytes);
      expect(Buffer.compare(unquoteName(quoted), bytes) === 0).toBe(true);
      expect(JSON.parse(jsonString(quoted))).toBe(quoted);
      expect(/[\u0000-\u001f\u007f\u2028\u2029<>&]/.test(jsonString(quoted))).toBe(false);
    }),
    runs,
  );
});

test('any text that is offered as a quoted name is unquoted or refused', () => {
  const pieces = fc.array(fc.constantFrom('\\', 'x', 'u', 'U', '0', '7', 'd800', 'ff', 'n', '"', 'é', '0010'), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(pieces, (parts) => {
      try {
        unquoteName(parts.join(''));
      } catch (error) {
        expect(error).toBeInstanceOf(SyntaxError);
      }
    }),
    runs,
  );
});

test('any time survives, with any offset', () => {
  fc.assert(
    fc.property(time, fc.integer({ min: -14 * 60, max: 14 * 60 }), (ns, offset) => {
      const text = goTime(ns, () => offset * 60);
      // At the ends of the calendar the offset leads out of four digits, where the year is clamped.
      if (ns > -62_100_000_000n * 10n ** 9n && ns < 253_402_000_000n * 10n ** 9n) expect(parseGoTime(text)).toBe(ns);
    }),
    runs,
  );
});

test('any tree is decoded to what was encoded', () => {
  const nodes = fc.uniqueArray(node, {
    selector: ({ name: raw }) => Buffer.from(raw).toString('latin1'),
    maxLength: 6,
  });
  fc.assert(
    fc.property(nodes, (entries) => {
      const sorted = entries.toSorted((a, b) => Buffer.compare(a.name, b.name));
      const tree = encodeTree(sorted.map((entry) => encodeNode(entry)));
      const decoded = decodeTree(tree);
      expect(decoded.map(({ name: raw }) => Buffer.from(raw).toString('latin1'))).toEqual(
        sorted.map(({ name: raw }) => Buffer.from(raw).toString('latin1')),
      );
      expect(encodeTree(decoded.map((entry) => encodeNode(entry))).equals(tree)).toBe(true);
    }),
    { ...runs, numRuns: 500 },
  );
});

const plainNode: TreeNode = {
  name: Buffer.from('n\xff', 'latin1'),
  type: 'file',
  mode: 420,
  mtime: '2024-01-01T00:00:00Z',
  atime: '2024-01-01T00:00:00Z',
  ctime: '2024-01-01T00:00:00Z',
  uid: 0,
  gid: 0,
  inode: 2n ** 60n,
  content: ['ab'.repeat(32)],
};
const blob = {
  id: 'ab'.repeat(32),
  type: 'data',
  packId: 'cd'.repeat(32),
  offset: 0,
  length: 99,
  uncompressedLength: 7,
} as const;
const validTree = encodeTree([encodeNode(plainNode)]);
const validIndex = encodeIndex([{ id: blob.packId, blobs: [blob, { ...blob, offset: 99 }] }]);
const validHeader = encodePackHeader(headerColumnsOf([blob, { ...blob, type: 'tree', uncompressedLength: 0 }]));
const validSnapshot = encodeSnapshot({ time: '2024-01-01T00:00:00Z', tree: blob.id, paths: ['/a'] });
const validUnpacked = encodeUnpacked(validSnapshot);

test.each([
  ['tree', decodeTree, validTree],
  ['index', decodeIndex, validIndex],
  ['pack header', decodePackHeader, validHeader],
  ['pack trailer', readPackTrailer, Buffer.concat([validHeader, Buffer.from([60, 0, 0, 0])])],
  ['snapshot', decodeSnapshot, validSnapshot],
  ['configuration', decodeConfig, Buffer.from('{"version":2,"id":"x","chunker_polynomial":"3da3358b4dc173"}')],
  ['key file', decodeKeyFile, Buffer.from('{"kdf":"scrypt","N":32768,"r":8,"p":5,"salt":"AA==","data":"AA=="}')],
  ['compressed file', (bytes: Uint8Array) => decodeUnpacked(bytes, 100_000), validUnpacked],
] as const)('a %s with damage is parsed or refused, and random bytes too', (_, parse, valid) => {
  fc.assert(
    fc.property(fc.oneof(mutated(valid), fc.uint8Array({ maxLength: 300 })), (bytes) => survives(parse, bytes)),
    runs,
  );
});

test('any JSON in place of a stored file is parsed or refused', () => {
  const json = fc.json({ maxDepth: 4 }).map((text) => Buffer.from(text));
  const shaped = fc
    .record({
      nodes: fc.array(
        fc.record({
          name: fc.jsonValue(),
          type: fc.constantFrom('file', 'dir'),
          content: fc.jsonValue(),
          size: fc.jsonValue(),
        }),
      ),
      packs: fc.array(fc.record({ id: fc.jsonValue(), blobs: fc.array(fc.jsonValue()) })),
      time: fc.jsonValue(),
      tree: fc.jsonValue(),
      paths: fc.jsonValue(),
      summary: fc.jsonValue(),
    })
    .map((value) => Buffer.from(JSON.stringify(value)));
  fc.assert(
    fc.property(fc.oneof(json, shaped), (bytes) => {
      for (const parse of [decodeTree, decodeIndex, decodeSnapshot, decodeConfig, decodeKeyFile])
        survives(parse, bytes);
    }),
    runs,
  );
});
