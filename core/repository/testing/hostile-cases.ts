/**
 * The golden set of hostile repositories: what a stolen machine, which has the key, could write to get out of the folder of
 * a restore, or to bring down whoever reads it. Each case is built anew; hostile.test.ts restores and checks all of them.
 */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeNode, encodeTree } from '../format/tree.ts';
import type { TreeNode } from '../types.ts';
import { fileNode, folderNode, idOf, linkNode, node, type TestRepository } from './build-repository.ts';

export interface Places {
  /** Where the restore goes to. */
  readonly target: string;
  /** Where nothing may change. */
  readonly outside: string;
}

export interface HostileCase {
  readonly name: string;
  /** Stores it; returns the id of the snapshot's tree. */
  build(built: TestRepository, places: Places): Promise<string>;
  /** What already lies in the target. */
  prepare?(places: Places): void;
}

export const EVIL = Buffer.from('evil');
export const FINE = Buffer.from('fine');

/** A tree in raw JSON, as no encoder of ours would write it. */
export async function rawTree(built: TestRepository, text: string | Buffer): Promise<string> {
  const bytes = Buffer.from(text);
  await built.pack('tree', [bytes]);
  return idOf(bytes);
}

const sorted = (nodes: readonly TreeNode[]): TreeNode[] => nodes.toSorted((a, b) => Buffer.compare(a.name, b.name));
/** Beside the hostile entry there is always a good one. */
const withFine = (...nodes: TreeNode[]): TreeNode[] => sorted([...nodes, fileNode('fine', [FINE])]);

const NAMES: readonly (string | Buffer)[] = [
  '',
  '.',
  '..',
  '/',
  '//',
  '/etc',
  './x',
  'x/',
  'x/..',
  'a/b',
  '../x',
  '../outside/x',
  '../../../../../../../../tmp/x',
  'nul\0byte',
  '\0',
  '..\0',
  'long'.repeat(300),
  // These are plain names where a path has slashes; they are restored inside, or not at all.
  '..\\..\\x',
  'C:\\x',
  '\\\\host\\share',
  '~',
  '-rf',
  '$(touch x)',
  'new\nline',
  '\x1b[2J',
  '.holdfast-restore-0000000000000000',
  Buffer.from([0xc0, 0xae, 0xc0, 0xae, 0xc0, 0xaf]), // "../" in overlong UTF-8
  Buffer.from([0xff, 0x2f, 0xff]),
];

const names: HostileCase[] = NAMES.flatMap((name) => {
  const shown = JSON.stringify(Buffer.from(name).toString('latin1')).slice(0, 40);
  return [
    {
      name: `a folder ${shown} with a file in it`,
      build: async (built: TestRepository) =>
        await built.tree(withFine(folderNode(name, await built.tree([fileNode('x', [EVIL])])))),
    },
    {
      name: `a file ${shown}`,
      build: async (built: TestRepository) => await built.tree(withFine(fileNode(name, [EVIL]))),
    },
    {
      name: `a link ${shown} to the outside`,
      build: async (built: TestRepository, { outside }: Places) => await built.tree(withFine(linkNode(name, outside))),
    },
  ];
});

const same = { inode: 7n, deviceId: 1n, links: 2n };

const links: HostileCase[] = [
  {
    name: 'a link, and below it a folder of the same listing twice under one name',
    build: async (built, { outside }) => {
      const evil = await built.tree([fileNode('x', [EVIL])]);
      return await rawTree(built, encodeTree([encodeNode(linkNode('d', outside)), encodeNode(folderNode('d', evil))]));
    },
  },
  {
    name: 'a folder, and then a link under the same name',
    build: async (built, { outside }) => {
      const evil = await built.tree([fileNode('x', [EVIL])]);
      return await rawTree(built, encodeTree([encodeNode(folderNode('d', evil)), encodeNode(linkNode('d', outside))]));
    },
  },
  {
    name: 'a link with a listing of its own, whose files would be written through it',
    build: async (built, { outside }) =>
      await built.tree(withFine({ ...linkNode('d', outside), subtree: await built.tree([fileNode('x', [EVIL])]) })),
  },
  {
    name: 'a file with a listing of its own',
    build: async (built) =>
      await built.tree(withFine({ ...fileNode('f', [EVIL]), subtree: await built.tree([fileNode('x', [EVIL])]) })),
  },
  {
    name: 'a link to the parent folder, and a folder of the same name in other letters',
    build: async (built) =>
      await built.tree(withFine(linkNode('D', '..'), folderNode('d', await built.tree([fileNode('x', [EVIL])])))),
  },
  {
    name: 'a hard link to a link that leads outside',
    build: async (built, { outside }) =>
      await built.tree(withFine({ ...linkNode('a', join(outside, 'mine')), ...same }, fileNode('b', [EVIL], same))),
  },
  {
    name: 'a hard link whose first name the target holds as a link',
    prepare: ({ target, outside }) => {
      mkdirSync(target);
      symlinkSync(join(outside, 'mine'), join(target, 'a'));
    },
    build: async (built) => await built.tree(withFine(fileNode('a', [EVIL], same), fileNode('b', [EVIL], same))),
  },
  {
    name: 'a file where the target holds a link to the outside',
    prepare: ({ target, outside }) => {
      mkdirSync(target);
      symlinkSync(join(outside, 'mine'), join(target, 'fine'));
    },
    build: async (built) => await built.tree(withFine()),
  },
  {
    name: 'a file where the target holds a link to nothing',
    prepare: ({ target, outside }) => {
      mkdirSync(target);
      symlinkSync(join(outside, 'not-there'), join(target, 'fine'));
    },
    build: async (built) => await built.tree(withFine()),
  },
  {
    name: 'a folder where the target holds a link to the outside',
    prepare: ({ target, outside }) => {
      mkdirSync(target);
      symlinkSync(outside, join(target, 'd'));
    },
    build: async (built) =>
      await built.tree(withFine(folderNode('d', await built.tree([fileNode('mine', [EVIL]), fileNode('x', [EVIL])])))),
  },
  {
    name: 'a folder where the target holds a link deep inside',
    prepare: ({ target, outside }) => {
      mkdirSync(join(target, 'd/e'), { recursive: true });
      symlinkSync(outside, join(target, 'd/e/f'));
    },
    build: async (built) => {
      const f = await built.tree([fileNode('mine', [EVIL])]);
      const e = await built.tree([folderNode('f', f)]);
      return await built.tree(withFine(folderNode('d', await built.tree([folderNode('e', e)]))));
    },
  },
  {
    name: 'a folder where the target holds a file',
    prepare: ({ target }) => {
      mkdirSync(target);
      writeFileSync(join(target, 'd'), 'mine');
    },
    build: async (built) => await built.tree(withFine(folderNode('d', await built.tree([fileNode('x', [EVIL])])))),
  },
  {
    name: 'a link whose target is empty, and one whose target holds a zero',
    build: async (built) => await built.tree(withFine(linkNode('empty', ''), linkNode('zero', 'a\0b'))),
  },
  {
    name: 'a link whose target is longer than any path',
    build: async (built) => await built.tree(withFine(linkNode('long', 'x'.repeat(100_000)))),
  },
];

const plain = encodeNode(fileNode('n', [FINE])).toString();
/** The entry in other words: `replace` in its JSON. */
const altered = (name: string, from: string | RegExp, to: string): HostileCase => ({
  name,
  build: async (built) => {
    const text = plain.replace(from, to);
    if (text === plain) throw new Error(`the case "${name}" changes nothing`);
    return await rawTree(built, `{"nodes":[${text}]}\n`);
  },
});

const listings: HostileCase[] = [
  altered('an entry that is named twice, safely and not', '"name":"n"', '"name":"n","name":"../x"'),
  altered(
    'an entry that is of two types',
    '"type":"file"',
    '"type":"file","type":"symlink","linktarget":"/etc/passwd"',
  ),
  altered('a key of the prototype that says it is a folder', '"name":"n"', '"name":"n","__proto__":{"type":"dir"}'),
  altered('a name of the prototype', '"name":"n"', '"name":"__proto__"'),
  altered('a constructor as a name', '"name":"n"', '"name":"constructor","constructor":{"prototype":{"x":1}}'),
  altered('a size of 2^64', /"size":\d+/, '"size":18446744073709551616'),
  altered('a size of 2^64 - 1', /"size":\d+/, '"size":18446744073709551615'),
  altered('a size below zero', /"size":\d+/, '"size":-1'),
  altered('a size with a fraction', /"size":\d+/, '"size":1.5'),
  altered('a size beyond all numbers', /"size":\d+/, '"size":1e999'),
  altered('a size that is a text', /"size":\d+/, '"size":"4"'),
  altered('an owner beyond all owners', /"uid":\d+/, '"uid":99999999999'),
  altered('an owner below zero', /"uid":\d+/, '"uid":-1'),
  altered('a mode of all ones', /"mode":\d+/, '"mode":4294967295'),
  altered('a mode beyond all modes', /"mode":\d+/, '"mode":4294967296'),
  altered('setuid, setgid and a device at once', /"mode":\d+/, '"mode":82837999'),
  altered('a time that is none', /"mtime":"[^"]*"/, '"mtime":"yesterday"'),
  altered('a time at the end of all time', /"mtime":"[^"]*"/, '"mtime":"999999999-12-31T23:59:59Z"'),
  altered('a type that nobody knows', '"type":"file"', '"type":"portal"'),
  altered('a type that is inherited', '"type":"file"', '"type":"toString"'),
  altered('a folder without a listing', '"type":"file"', '"type":"dir"'),
  altered('a list of pieces that is a text', /"content":\[[^\]]*\]/, '"content":"abc"'),
  altered('a list of pieces with a path in it', /"content":\[[^\]]*\]/, '"content":["../../config"]'),
  altered('a list of pieces that is lost', /"content":\[[^\]]*\]/, '"content":null'),
  altered('a name in half of a pair', '"name":"n"', '"name":"\\ud800"'),
  altered('a name with an escape that is cut', '"name":"n"', String.raw`"name":"\\x2"`),
  altered('a name whose escapes spell a way out', '"name":"n"', String.raw`"name":"\\x2e\\x2e\\x2fx"`),
  altered('extended attributes that are no pairs', '"content"', '"extended_attributes":[1,null,"x"],"content"'),
  {
    name: 'a listing that is no JSON',
    build: async (built) => await rawTree(built, Buffer.from([0, 1, 2, 255])),
  },
  { name: 'a listing of null', build: async (built) => await rawTree(built, '{"nodes":[null]}\n') },
  { name: 'a listing that is a list', build: async (built) => await rawTree(built, '[]\n') },
  {
    name: 'a listing out of order',
    build: async (built) =>
      await rawTree(
        built,
        encodeTree([fileNode('b', [FINE]), fileNode('a', [FINE])].map((entry) => encodeNode(entry))),
      ),
  },
  {
    name: 'a megabyte of opening brackets',
    build: async (built) => await rawTree(built, `{"nodes":${'['.repeat(2 * 1024 * 1024)}`),
  },
  {
    name: 'a folder whose listing is a piece of a file',
    build: async (built) => {
      const tree = encodeTree([encodeNode(fileNode('x', [EVIL]))]);
      await built.pack('data', [tree]);
      return await built.tree(withFine(folderNode('d', idOf(tree))));
    },
  },
  {
    name: 'a file whose pieces are listings',
    build: async (built) => {
      const inner = await built.tree([fileNode('x', [EVIL])]);
      return await built.tree(withFine({ ...fileNode('f', []), content: [inner], size: 10n }));
    },
  },
  {
    name: 'devices, pipes and sockets',
    build: async (built) =>
      await built.tree(
        withFine(
          { ...node('block', 'dev', 0x0400_0000 + 0o666), device: 0x800n },
          { ...node('char', 'chardev', 0x0420_0000 + 0o666), device: 0x103n },
          node('pipe', 'fifo', 0x0200_0000 + 0o666),
          node('socket', 'socket', 0x0100_0000 + 0o666),
          node('strange', 'irregular', 0x0008_0000 + 0o666),
        ),
      ),
  },
];

export const HOSTILE_CASES: readonly HostileCase[] = [...names, ...links, ...listings];
