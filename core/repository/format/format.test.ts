import { describe, expect, test } from 'vitest';
import type { Snapshot, TreeNode } from '../types.ts';
import { decodeConfig, encodeConfig } from './config.ts';
import { goMode, nodeTypeOf, unixPermissions } from './file-mode.ts';
import { goTime, isPrintable, jsonString, parseGoTime, quoteName, unquoteName, utcZone } from './go-text.ts';
import { decodeIndex, encodeIndex } from './index-file.ts';
import { parseJson } from './json.ts';
import { LIMITS } from './limits.ts';
import {
  decodePackHeader,
  encodePackHeader,
  headerColumnsOf,
  packHeaderBytes,
  readPackTrailer,
} from './pack-header.ts';
import { isIrreducible, randomPolynomial } from './polynomial.ts';
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts';
import { decodeTree, encodeNode, encodeTree } from './tree.ts';
import { decodeUnpacked, encodeUnpacked } from './unpacked.ts';
import { compress, decompress } from './zstd.ts';

const id = (digit: string): string => digit.repeat(64);
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

describe('names as strconv.Quote and Go’s JSON encoder write them', () => {
  // raw bytes (as latin1), what Quote gives, what stands in the file
  test.each([
    ['plain.txt', 'plain.txt', '"plain.txt"'],
    ['a<b>&c', 'a<b>&c', '"a\\u003cb\\u003e\\u0026c"'],
    ['quo"te', 'quo\\"te', '"quo\\\\\\"te"'],
    ['back\\slash', 'back\\\\slash', '"back\\\\\\\\slash"'],
    ['\x07\b\t\n\v\f\r', '\\a\\b\\t\\n\\v\\f\\r', '"\\\\a\\\\b\\\\t\\\\n\\\\v\\\\f\\\\r"'],
    ['esc\x1b', 'esc\\x1b', '"esc\\\\x1b"'],
    ['del\x7f', 'del\\x7f', '"del\\\\x7f"'],
    ['latin1-\xe9\xff', 'latin1-\\xe9\\xff', '"latin1-\\\\xe9\\\\xff"'],
    ['utf8-\xc3\xa9', 'utf8-é', '"utf8-é"'],
    ['\xe2\x80\xa8ls', '\\u2028ls', '"\\\\u2028ls"'],
    ['nbsp\xc2\xa0', 'nbsp\\u00a0', '"nbsp\\\\u00a0"'],
    ['zwsp\xe2\x80\x8b', 'zwsp\\u200b', '"zwsp\\\\u200b"'],
    ['emoji-\xf0\x9f\x98\x80', 'emoji-😀', '"emoji-😀"'],
    ['pua-\xee\x80\x80', 'pua-\\ue000', '"pua-\\\\ue000"'],
    ['tag-\xf3\xa0\x80\x81', 'tag-\\U000e0001', '"tag-\\\\U000e0001"'],
    ['replacement-\xef\xbf\xbd', 'replacement-�', '"replacement-�"'],
    ['trunc-\xe2\x82', 'trunc-\\xe2\\x82', '"trunc-\\\\xe2\\\\x82"'],
    ['surrogate-\xed\xa0\x80', 'surrogate-\\xed\\xa0\\x80', '"surrogate-\\\\xed\\\\xa0\\\\x80"'],
    ['overlong-\xc0\xaf', 'overlong-\\xc0\\xaf', '"overlong-\\\\xc0\\\\xaf"'],
    ["sq'uote ", "sq'uote ", '"sq\'uote "'],
  ])('%j', (raw, quoted, stored) => {
    expect(quoteName(bytes(raw))).toBe(quoted);
    expect(jsonString(quoteName(bytes(raw)))).toBe(stored);
    expect([...unquoteName(quoted)]).toEqual([...bytes(raw)]);
  });

  test('text that Quote cannot have written is refused', () => {
    for (const bad of ['\\', '\\q', '\\x4', '\\u12', '\\ud800', '\\U00110000', '\\777', '\\x4g'])
      expect(() => unquoteName(bad), bad).toThrow();
  });

  test('printable is what Go 1.24 to 1.26 say, not what this Node says', () => {
    for (const code of [0x20, 0x41, 0xe9, 0x1f600, 0xfffd]) expect(isPrintable(code)).toBe(true);
    for (const code of [0, 0x7f, 0xa0, 0xad, 0x200b, 0x2028, 0xe000, 0x10ffff]) expect(isPrintable(code)).toBe(false);
    // Assigned in Unicode 16 and therefore printable to Node's own tables, not to the frozen one.
    expect([isPrintable(0x1fae9), /\p{S}/u.test('\u{1fae9}')]).toEqual([false, true]);
  });

  test('JSON text: each invalid byte is one replacement character, and control characters as Go spells them', () => {
    expect(jsonString(bytes('a\xff\xfe\xe2\x82'))).toBe('"a\\ufffd\\ufffd\\ufffd\\ufffd"');
    expect(jsonString('\b\f\n\r\t\v\x00\x7f"\\\u2028\u2029</é')).toBe(
      '"\\b\\f\\n\\r\\t\\u000b\\u0000\x7f\\"\\\\\\u2028\\u2029\\u003c/é"',
    );
  });
});

describe('times as RFC3339Nano', () => {
  test.each([
    [0n, '1970-01-01T00:00:00Z'],
    [1n, '1970-01-01T00:00:00.000000001Z'],
    [1_700_000_000_100_000_000n, '2023-11-14T22:13:20.1Z'],
    [-1_500_000_000n, '1969-12-31T23:59:58.5Z'],
    [-1n, '1969-12-31T23:59:59.999999999Z'],
    [4_102_444_800_123_456_700n, '2100-01-01T00:00:00.1234567Z'],
    [-62_167_219_200_000_000_000n, '0000-01-01T00:00:00Z'],
  ])('%s', (ns, text) => {
    expect(goTime(ns, utcZone)).toBe(text);
    expect(parseGoTime(text)).toBe(ns);
  });

  test('the offset of a zone is written and read, whole hours or not, east or west', () => {
    expect(goTime(0n, () => 330 * 60)).toBe('1970-01-01T05:30:00+05:30');
    expect(goTime(0n, () => -210 * 60)).toBe('1969-12-31T20:30:00-03:30');
    expect(
      goTime(0n, () => -2670),
      'Monrovia',
    ).toBe('1969-12-31T23:15:30-00:44');
    expect(goTime(0n, () => -59)).toBe('1969-12-31T23:59:01+00:00');
    for (const offset of [330, -210, 0, 720]) expect(parseGoTime(goTime(123n, () => offset * 60))).toBe(123n);
  });

  test('years are kept within four digits', () => {
    expect(goTime(10n ** 21n, utcZone)).toMatch(/^9999-/);
    expect(goTime(-(10n ** 21n), utcZone)).toMatch(/^0000-/);
    expect(goTime(951_827_696n * 10n ** 9n + 400n * 31_556_952n * 25n * 10n ** 9n, utcZone)).toMatch(/^9999-03-01/);
    for (let power = 10n ** 21n; power < 1n << 95n; power *= 7n)
      for (const zone of [utcZone, () => 50_000, () => -50_001])
        for (const ns of [power, -power]) expect(goTime(ns, zone)).toMatch(/^(9999|0000)-\d\d-\d\dT.*[Z\d]$/);
  });

  test('what is no time is no time', () => {
    for (const bad of ['', 'now', '2024-01-01', '2024-01-01T00:00:00', '24-01-01T00:00:00Z'])
      expect(parseGoTime(bad)).toBeUndefined();
  });
});

test('modes are Go’s, positive also for folders, and come back as Unix permissions', () => {
  const table: [number, number, TreeNode['type']][] = [
    [0o100644, 0o644, 'file'],
    [0o104755, 0o755 + 0x00800000, 'file'],
    [0o042775, 0x80000000 + 0x00400000 + 0o775, 'dir'],
    [0o041777, 0x80000000 + 0x00100000 + 0o777, 'dir'],
    [0o120777, 0x08000000 + 0o777, 'symlink'],
    [0o060660, 0x04000000 + 0o660, 'dev'],
    [0o020666, 0x04000000 + 0x00200000 + 0o666, 'chardev'],
    [0o010600, 0x02000000 + 0o600, 'fifo'],
    [0o140755, 0x01000000 + 0o755, 'socket'],
  ];
  for (const [unix, go, type] of table) {
    expect(goMode(unix), unix.toString(8)).toBe(go);
    expect(nodeTypeOf(unix)).toBe(type);
    expect(unixPermissions(go)).toBe(unix & 0o7777);
  }
});

const node: TreeNode = {
  name: Buffer.from('a<b'),
  type: 'file',
  mode: 0o644,
  mtime: '2024-01-01T00:00:00Z',
  atime: '2024-01-01T00:00:00Z',
  ctime: '2024-01-01T00:00:00Z',
  uid: 0,
  gid: 0,
  content: [],
};

describe('trees', () => {
  test('a node has restic’s keys in restic’s order, and only those that are not empty', () => {
    const stamp = '"mtime":"2024-01-01T00:00:00Z","atime":"2024-01-01T00:00:00Z","ctime":"2024-01-01T00:00:00Z"';
    expect(String(encodeNode(node))).toBe(
      `{"name":"a\\u003cb","type":"file","mode":420,${stamp},"uid":0,"gid":0,"content":[]}`,
    );
    const full: TreeNode = {
      ...node,
      name: Buffer.from([0x66, 0xff]),
      user: 'root',
      group: 'wheel',
      inode: 18_014_398_509_481_985n,
      deviceId: 2n ** 64n - 1n,
      size: 12n,
      links: 2n,
      extendedAttributes: [
        { name: bytes('user.z'), value: Buffer.from([0, 1]) },
        { name: bytes('user.a\xff'), value: Buffer.alloc(0) },
      ],
      content: [id('a'), id('b')],
    };
    expect(String(encodeNode(full))).toBe(
      `{"name":"f\\\\xff","type":"file","mode":420,${stamp},"uid":0,"gid":0,"user":"root","group":"wheel",` +
        '"inode":18014398509481985,"device_id":18446744073709551615,"size":12,"links":2,' +
        '"extended_attributes":[{"name":"user.z","value":"AAE="},{"name":"user.a\\ufffd","value":""}],' +
        `"content":["${id('a')}","${id('b')}"]}`,
    );
    const link: TreeNode = { ...node, type: 'symlink', mode: 0, content: null, linkTarget: bytes('x\xff') };
    expect(String(encodeNode(link))).toBe(
      `{"name":"a\\u003cb","type":"symlink",${stamp},"uid":0,"gid":0,"linktarget":"x\\ufffd","linktarget_raw":"eP8=","content":null}`,
    );
    const folder: TreeNode = { ...node, type: 'dir', mode: 0x800001ed, content: null, subtree: id('c') };
    expect(String(encodeNode(folder))).toContain(`"mode":2147484141,`);
    expect(String(encodeNode(folder))).toContain(`"content":null,"subtree":"${id('c')}"}`);
  });

  test('what is encoded is decoded to the same, 64-bit numbers and raw names included', () => {
    const nodes: TreeNode[] = [
      { ...node, name: Buffer.from('A') },
      {
        ...node,
        name: Buffer.from('a'),
        inode: 2n ** 53n + 1n,
        deviceId: 2n ** 64n - 1n,
        size: 5n,
        content: [id('1')],
      },
      { ...node, name: Buffer.from('b'), type: 'symlink', content: null, linkTarget: bytes('/x\xff') },
      { ...node, name: Buffer.from([0x62, 0xff]), type: 'dir', content: null, subtree: id('2') },
    ];
    const tree = encodeTree(nodes.map((entry) => encodeNode(entry)));
    expect(tree.at(-1)).toBe(0x0a);
    const decoded = decodeTree(tree);
    expect(encodeTree(decoded.map((entry) => encodeNode(entry))).equals(tree)).toBe(true);
    expect(decoded[1]).toMatchObject({ inode: 2n ** 53n + 1n, deviceId: 2n ** 64n - 1n, size: 5n });
    expect(Buffer.from(decoded[3]!.name).equals(Buffer.from([0x62, 0xff]))).toBe(true);
    expect(decodeTree(encodeTree([]))).toEqual([]);
    expect(decodeTree(Buffer.from('{"nodes":null}\n'))).toEqual([]);
  });

  const tree = (...nodes: string[]): Buffer => Buffer.from(`{"nodes":[${nodes.join(',')}]}\n`);
  const entry = (json: string): string => `{"name":"n","type":"file","content":[]${json}}`;
  test.each([
    ['not JSON', Buffer.from('{"nodes":')],
    ['no object', Buffer.from('[]')],
    ['no list', Buffer.from('{"nodes":{}}')],
    ['an entry that is null', tree('null')],
    ['no name', tree('{"type":"file","content":[]}')],
    ['an unknown type', tree('{"name":"n","type":"portal"}')],
    ['a file whose contents are null', tree('{"name":"n","type":"file","content":null}')],
    ['a file without contents', tree('{"name":"n","type":"file"}')],
    ['a content id that is no id', tree('{"name":"n","type":"file","content":["../x"]}')],
    ['a folder without a listing', tree('{"name":"n","type":"dir"}')],
    ['a listing that is no id', tree('{"name":"n","type":"dir","subtree":"x"}')],
    ['a bad escape in a name', tree('{"name":"\\\\q","type":"file","content":[]}')],
    ['a negative size', tree(entry(',"size":-1'))],
    ['a fraction as size', tree(entry(',"size":1.5'))],
    ['a size past 64 bits', tree(entry(',"size":18446744073709551616'))],
    ['a size in words', tree(entry(',"size":"1"'))],
    ['a mode past 32 bits', tree(entry(',"mode":4294967296'))],
    ['the same name twice', tree(entry(''), entry(''))],
    ['names out of order', tree(entry('').replace('"n"', '"z"'), entry(''))],
  ])('a tree with %s is refused as damaged', (_, hostile) => {
    expect(() => decodeTree(hostile)).toThrowError(expect.objectContaining({ code: 'repository_damaged' }));
  });

  test('keys of the prototype are data, not behaviour', () => {
    const [decoded] = decodeTree(tree(entry(',"__proto__":{"size":7,"isAdmin":true},"constructor":1')));
    expect(decoded).not.toHaveProperty('size');
    expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined();
  });

  test('S37: text that would take gigabytes once it is parsed is refused before it is', () => {
    const deep = Buffer.alloc(2 * 1024 * 1024, '[');
    expect(() => parseJson(deep, 'A listing')).toThrowError(/nested too deeply/);
    const wide = Buffer.concat([Buffer.from('['), Buffer.alloc(27_000_000, '{},'), Buffer.from('{}]')]);
    expect(() => parseJson(wide, 'A listing')).toThrowError(/too many parts/);
    const quoted = Buffer.from(`["${'[{\\"'.repeat(500_000)}"]`);
    expect(parseJson(quoted, 'A listing')).toHaveLength(1);
    expect(() => decodeTree(Buffer.alloc(LIMITS.treeBlobBytes + 1, ' '))).toThrowError(/larger/);
  });
});

test('a pack header lists type, lengths and id, and survives the way back', () => {
  const entries = [
    { id: id('a'), type: 'data', length: 40, uncompressedLength: 0 },
    { id: id('b'), type: 'data', length: 50, uncompressedLength: 511 },
    { id: id('c'), type: 'tree', length: 60, uncompressedLength: 0 },
    { id: id('d'), type: 'tree', length: 70, uncompressedLength: 4_294_967_295 },
  ] as const;
  const header = encodePackHeader(headerColumnsOf(entries));
  expect(header.length).toBe(37 + 41 + 37 + 41);
  expect(packHeaderBytes(entries.map(({ uncompressedLength }) => uncompressedLength))).toBe(header.length + 32 + 4);
  expect(header.subarray(0, 5).toString('hex')).toBe('0028000000');
  expect(header.subarray(37, 46).toString('hex')).toBe('0232000000ff010000');
  expect([header[78], header[115]]).toEqual([1, 3]);
  expect(decodePackHeader(header)).toEqual(entries);
  for (let cut = 1; cut < 37; cut += 1) expect(() => decodePackHeader(header.subarray(0, cut))).toThrow();
  const unknown = Buffer.from(header);
  unknown[0] = 4;
  expect(() => decodePackHeader(unknown)).toThrow();
  expect(() => decodePackHeader(encodePackHeader(headerColumnsOf([{ ...entries[0], length: 31 }])))).toThrow();
  expect(() => decodePackHeader(Buffer.alloc(LIMITS.packHeaderBytes + 1))).toThrow(/too large/);
  const pack = Buffer.alloc(100);
  for (const [length, isSound] of [
    [32, true],
    [96, true],
    [97, false],
    [31, false],
    [0, false],
    [0xffff_ffff, false],
  ] as const) {
    pack.writeUInt32LE(length, 96);
    if (isSound) expect(readPackTrailer(pack)).toBe(length);
    else expect(() => readPackTrailer(pack), String(length)).toThrow();
  }
});

test('an index file is restic’s JSON with its newline; foreign fields are ignored, malformed ones refused', () => {
  const blobs = [
    { id: id('a'), type: 'data', packId: id('f'), offset: 0, length: 38, uncompressedLength: 0 },
    { id: id('b'), type: 'tree', packId: id('f'), offset: 38, length: 112, uncompressedLength: 511 },
  ] as const;
  const encoded = encodeIndex([{ id: id('f'), blobs }]);
  expect(encoded.toString()).toBe(
    `{"packs":[{"id":"${id('f')}","blobs":[{"id":"${id('a')}","type":"data","offset":0,"length":38},` +
      `{"id":"${id('b')}","type":"tree","offset":38,"length":112,"uncompressed_length":511}]}]}\n`,
  );
  expect(decodeIndex(encoded)).toEqual([{ id: id('f'), blobs }]);
  const foreign = encoded.toString().replace('{"packs"', `{"supersedes":["${id('9')}"],"packs_to_delete":[],"packs"`);
  expect(decodeIndex(Buffer.from(foreign))).toEqual([{ id: id('f'), blobs }]);
  for (const [from, to] of [
    ['"offset":38', '"offset":-1'],
    ['"offset":38', '"offset":4294967296'],
    ['"type":"tree"', '"type":"bush"'],
    [id('b'), 'b'],
    [id('f'), '../../etc'],
  ] as const)
    expect(() => decodeIndex(Buffer.from(encoded.toString().replace(from, to))), to).toThrow();
});

test('a snapshot has restic’s fields in restic’s order, no newline, and survives the way back', () => {
  const snapshot: Snapshot = {
    time: '2024-01-02T03:04:05.678901234+01:00',
    parent: id('1'),
    tree: id('2'),
    paths: ['/srv/<data>'],
    hostname: 'host',
    username: 'user',
    excludes: ['*.tmp'],
    tags: ['t&'],
    program_version: 'holdfast 0.1.0',
  };
  const text = encodeSnapshot(snapshot).toString();
  expect(text).toBe(
    `{"time":"2024-01-02T03:04:05.678901234+01:00","parent":"${id('1')}","tree":"${id('2')}","paths":["/srv/\\u003cdata\\u003e"],` +
      '"hostname":"host","username":"user","excludes":["*.tmp"],"tags":["t\\u0026"],"program_version":"holdfast 0.1.0"}',
  );
  expect(decodeSnapshot(Buffer.from(text))).toEqual(snapshot);
  for (const bad of ['{}', '[]', '{"time":"2024-01-02T03:04:05Z","paths":[]}', text.replace(id('2'), 'short')])
    expect(() => decodeSnapshot(Buffer.from(bad)), bad).toThrow();
});

test('a configuration survives the way back; another version or a polynomial that would not chunk is refused', () => {
  const config = { version: 2, id: id('e'), chunkerPolynomial: randomPolynomial().toString(16) } as const;
  const encoded = Buffer.from(encodeConfig(config));
  expect(encoded.toString()).toBe(`{"version":2,"id":"${id('e')}","chunker_polynomial":"${config.chunkerPolynomial}"}`);
  expect(decodeConfig(encoded)).toEqual(config);
  for (const [from, to] of [
    ['"version":2', '"version":3'],
    [id('e'), 'e'],
    [config.chunkerPolynomial, '20000000000000'],
  ] as const)
    expect(() => decodeConfig(Buffer.from(encoded.toString().replace(from, to))), to).toThrow();
});

test('Ben-Or’s test tells irreducible polynomials, by counting all of degree 8 and by restic’s own example', () => {
  let found = 0;
  for (let low = 0n; low < 256n; low += 1n) if (isIrreducible(256n | low)) found += 1;
  expect(found).toBe(30); // the necklace count of irreducible polynomials of degree 8 over GF(2)
  expect(isIrreducible(0x3da3358b4dc173n)).toBe(true); // the example polynomial of restic's chunker
  for (let round = 0; round < 20; round += 1) {
    const polynomial = randomPolynomial();
    expect(polynomial >> 53n).toBe(1n);
    expect(isIrreducible(polynomial)).toBe(true);
  }
});

describe('S37: zstd never unpacks to more than it may', () => {
  test('a bomb is refused, whatever its frame claims', () => {
    const bomb = compress(Buffer.alloc(64 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(64 * 1024);
    expect(() => decompress(bomb, 1024 * 1024)).toThrowError(expect.objectContaining({ code: 'repository_damaged' }));
    expect(() => decodeUnpacked(Buffer.concat([Buffer.of(2), bomb]), 1024)).toThrow();
    expect(decompress(bomb, 64 * 1024 * 1024).length).toBe(64 * 1024 * 1024);
  });

  test('every size around the guessed buffer comes back whole, several frames too', () => {
    for (const size of [0, 1, 63, 64, 65, 65_535, 65_536, 65_537, 600_000]) {
      const plain = Buffer.alloc(size, 'ab');
      expect(decompress(compress(plain), size).equals(plain), String(size)).toBe(true);
      if (size > 1) expect(() => decompress(compress(plain), size - 1), String(size)).toThrow();
    }
    const frames = Buffer.concat([compress(Buffer.from('one')), compress(Buffer.from('two'))]);
    expect(decompress(frames, 6).toString()).toBe('onetwo');
    expect(() => decompress(frames, 5)).toThrow();
    expect(() => decompress(Buffer.concat([frames, Buffer.from('junk')]), 100)).toThrow();
  });

  test('files outside packs are compressed JSON or, as version 1 stores them, JSON itself', () => {
    const json = Buffer.from('{"a":1}');
    expect(encodeUnpacked(json)[0]).toBe(2);
    expect(decodeUnpacked(encodeUnpacked(json), 100).equals(json)).toBe(true);
    expect(decodeUnpacked(json, 100).equals(json)).toBe(true);
    for (const bad of [Buffer.alloc(0), Buffer.from('x'), Buffer.from([2]), Buffer.from([3, 0x7b])])
      expect(() => decodeUnpacked(bad, 100)).toThrow();
  });
});
