import { describe, expect, test } from 'vitest';
import { createMemoryStore } from '../memory-store.ts';
import type { ListedObject, ReadStore } from '../port.ts';
import { type ChosenFile, repositoriesAmong } from './file-list-store.ts';
import { createRestStore } from './rest-store.ts';

const id = (digit: string): string => digit.repeat(64);
const OBJECTS: Readonly<Record<string, Uint8Array>> = {
  config: Buffer.from('the configuration'),
  [`keys/${id('1')}`]: Buffer.from('a key'),
  [`data/aa/${id('a')}`]: Buffer.from(Uint8Array.from({ length: 3_000_000 }, (_, at) => at % 251)),
  [`data/bb/${id('b')}`]: Buffer.from('another pack'),
  [`index/${id('2')}`]: Buffer.from(''),
};

async function memory(): Promise<ReadStore> {
  const store = createMemoryStore();
  for (const [key, bytes] of Object.entries(OBJECTS)) await store.create(key, bytes);
  return store;
}

function chosen(root: string, objects = OBJECTS): ChosenFile[] {
  return Object.entries(objects).map(([key, bytes]) => {
    const blob = new Blob([bytes as Uint8Array<ArrayBuffer>]);
    return { webkitRelativePath: `${root}/${key}`, size: blob.size, slice: (start, end) => blob.slice(start, end) };
  });
}

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** A server of restic's REST protocol, in this process. */
const serve: Fetch = async (url, { method, headers }) => {
  const [, type = '', name = ''] = new URL(url).pathname.split('/');
  if (type !== 'config' && name === '') {
    const keys = Object.keys(OBJECTS).filter((key) => key.startsWith(`${type}/`));
    const listing = keys.map((key) => ({ name: key.split('/').at(-1), size: OBJECTS[key]!.length }));
    return Response.json([...listing, { name: 'a-file-of-somebody', size: 1 }].reverse());
  }
  const bytes = OBJECTS[type === 'data' ? `data/${name.slice(0, 2)}/${name}` : name === '' ? type : `${type}/${name}`];
  if (bytes === undefined) return new Response('', { status: 404 });
  if (method === 'HEAD') return new Response(null, { headers: { 'content-length': String(bytes.length) } });
  const range = /^bytes=(\d+)-(\d+)$/.exec(new Headers(headers).get('range') ?? '');
  if (Number(range?.[1]) >= bytes.length) return new Response('', { status: 416 });
  const part = range === null ? bytes : bytes.subarray(Number(range[1]), Number(range[2]) + 1);
  return new Response(part as Uint8Array<ArrayBuffer>, { status: range === null ? 200 : 206 });
};

const rest = (fetch: Fetch): ReadStore => createRestStore({ url: 'https://host/', fetch });

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

const hasCode = (code: string) => expect.objectContaining({ code });

describe.each<[string, () => ReadStore]>([
  ['files that a person chose', () => repositoriesAmong(chosen('stick/vault'))[0]!.store],
  ['restic’s REST protocol', () => rest(serve)],
])('a browser reads through %s as from any store', (_, open) => {
  test('whole objects, ranges, pieces, sizes and checksums, and lists in the same order', async () => {
    const [store, wanted] = [open(), await memory()];
    for (const key of Object.keys(OBJECTS)) {
      expect(Buffer.compare(await store.get(key), await wanted.get(key)), key).toBe(0);
      expect(Buffer.compare(Buffer.concat(await all(store.stream(key))), await wanted.get(key)), key).toBe(0);
      const [head, its] = [await store.head(key), await wanted.head(key)];
      expect([head?.size, head?.crc32c]).toEqual([its?.size, its?.crc32c]);
    }
    const pack = `data/aa/${id('a')}`;
    const range = { offset: 1_999_999, length: 1001 };
    expect(Buffer.compare(await store.get(pack, range), await wanted.get(pack, range))).toBe(0);
    for (const prefix of ['data/', 'data/b', 'keys/', 'index/', 'snapshots/', `keys/${id('1')}`]) {
      const listed: ListedObject[] = await all(store.list(prefix));
      // A listing brings checksums where the store has them beforehand; a folder and restic's protocol have not.
      const its = (await all(wanted.list(prefix))).map(({ key, size }) => ({ key, size }));
      expect(listed, prefix).toEqual(its);
    }
  });

  test('what is not there is missing, and what is shorter than asked for is damaged', async () => {
    const store = open();
    await expect(store.get(`keys/${id('9')}`)).rejects.toEqual(hasCode('object_missing'));
    await expect(store.get(`keys/${id('9')}`, { offset: 0, length: 1 })).rejects.toEqual(hasCode('object_missing'));
    expect(await store.head(`keys/${id('9')}`)).toBeUndefined();
    for (const range of [
      { offset: 0, length: 6 },
      { offset: 5, length: 1 },
      { offset: 4, length: 2 },
    ])
      await expect(store.get(`keys/${id('1')}`, range)).rejects.toEqual(hasCode('object_mismatch'));
    await expect(store.get('../config')).rejects.toEqual(hasCode('bad_request'));
  });
});

test('every repository among the chosen files is found by its keys and its configuration, and nothing else is', () => {
  const files = [
    ...chosen('stick/second'),
    ...chosen('stick/first'),
    ...chosen('stick/no keys', { config: OBJECTS['config']! }),
    ...chosen('stick/no config', { [`keys/${id('1')}`]: OBJECTS['config']! }),
  ];
  expect(repositoriesAmong(files).map(({ path }) => path)).toEqual(['stick/first', 'stick/second']);
});

test('a disk that is taken away while it is read is told as that', async () => {
  const files = chosen('vault').map((file) => ({
    ...file,
    slice: () => ({ arrayBuffer: () => Promise.reject(new DOMException('gone', 'NotReadableError')) }),
  }));
  await expect(repositoriesAmong(files)[0]!.store.get('config')).rejects.toEqual(hasCode('storage_unavailable'));
});

describe('a server that does not do what it should', () => {
  test('one without ranges is read all the same, and one that sends without end is left', async () => {
    const whole: Fetch = (url, init) => serve(url, { ...init, headers: {} });
    const part = await rest(whole).get(`data/aa/${id('a')}`, { offset: 500_000, length: 10 });
    expect([...part]).toEqual([...OBJECTS[`data/aa/${id('a')}`]!.subarray(500_000, 500_010)]);
    let sent = 0;
    const endless = async (): Promise<Response> => {
      const body = new ReadableStream<Uint8Array>({
        pull: (controller) => {
          sent += 1;
          controller.enqueue(new Uint8Array(65_536));
        },
      });
      return new Response(body, { status: 206 });
    };
    expect(await rest(endless).get('config', { offset: 0, length: 100_000 })).toHaveLength(100_000);
    expect(sent).toBeLessThan(10);
  });

  test.each([
    ['refuses', async () => new Response('', { status: 403 }), 'forbidden'],
    ['fails', async () => new Response('', { status: 500 }), 'storage_unavailable'],
    ['cannot be reached', () => Promise.reject(new TypeError('fetch failed')), 'storage_unavailable'],
    ['answers with a page', async () => new Response('<html>'), 'storage_unavailable'],
    ['lists in another way', async () => Response.json(['name']), 'storage_unavailable'],
  ] as const)('one that %s is told as that', async (_, fetch, code) => {
    await expect(all(rest(fetch).list('keys/'))).rejects.toEqual(hasCode(code));
  });
});
