/** A folder of everything that has gone wrong in a backup once: names, links, times, sizes. For tests; Unix only. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { noise } from './noise.ts';

const NAMES = [
  'plain.txt',
  'a<b>&c',
  'quo"te',
  'back\\slash',
  'tab\there',
  'nl\nx',
  'bell\x07',
  'bs\bff\f',
  'vt\v',
  'esc\x1b',
  'del\x7f',
  'latin1-\xe9\xff',
  'utf8-\xc3\xa9',
  'nfd-e\xcc\x81',
  '\xe2\x80\xa8ls',
  'nbsp\xc2\xa0x',
  'zwsp\xe2\x80\x8bx',
  'emoji-\xf0\x9f\x98\x80',
  'bmp-\xef\xbf\xae',
  'pua-\xee\x80\x80',
  'replacement-\xef\xbf\xbd',
  'trunc-\xe2\x82',
  'surrogate-\xed\xa0\x80',
  'space ',
  "sq'uote",
  '\xf0\x9f\x98\x80z',
  '\xef\xbd\x9ez',
  ' ',
  '...',
  '-rf',
  '__proto__',
  'constructor',
];

/** Names are given and kept as bytes (latin1): the point is that they need not be text. */
const raw = (root: string, name: string): Buffer =>
  Buffer.concat([Buffer.from(`${root}/`), Buffer.from(name, 'latin1')]);

/** Targets of links that are not UTF-8 are left out: restic keeps them from 0.16 on only, and Debian has 0.14. */
export function makeNastyTree(root: string): void {
  mkdirSync(root, { recursive: true });
  for (const [at, name] of NAMES.entries()) writeFileSync(raw(root, name), `content ${at}`);
  writeFileSync(`${root}/empty`, '');
  mkdirSync(`${root}/deep/${Array.from({ length: 30 }, (_, at) => `d${at}`).join('/')}`, { recursive: true });
  mkdirSync(`${root}/empty-folder`);
  mkdirSync(raw(root, 'folder-\xff'));
  writeFileSync(Buffer.concat([raw(root, 'folder-\xff'), Buffer.from('/in it')]), 'in it');
  mkdirSync(`${root}/sticky`);
  chmodSync(`${root}/sticky`, 0o1777);
  writeFileSync(`${root}/locked`, 'nobody reads me');
  chmodSync(`${root}/locked`, 0);
  mkdirSync(`${root}/read-only`);
  writeFileSync(`${root}/read-only/file`, 'x');
  chmodSync(`${root}/read-only`, 0o555);
  symlinkSync('plain.txt', `${root}/link`);
  symlinkSync('/nowhere/at all', `${root}/dangling`);
  symlinkSync('a<b>&"\\ é', `${root}/link-odd`);
  symlinkSync(Buffer.from('\xe2\x80\xa8', 'latin1'), `${root}/link-ls`);
  writeFileSync(`${root}/hard-1`, 'hard');
  linkSync(`${root}/hard-1`, `${root}/hard-2`);
  linkSync(`${root}/hard-1`, `${root}/sticky/hard-3`);
  execFileSync('mkfifo', [`${root}/fifo`]);
  const large = noise(6 * 1024 * 1024, 'large');
  writeFileSync(`${root}/large`, large);
  writeFileSync(
    `${root}/large-edited`,
    Buffer.concat([large.subarray(0, 3_000_000), Buffer.from('INSERT'), large.subarray(3_000_000)]),
  );
  writeFileSync(`${root}/zeros`, Buffer.alloc(3 * 1024 * 1024));
  writeFileSync(`${root}/sparse`, 'head');
  truncateSync(`${root}/sparse`, 20 * 1024 * 1024);
  utimesSync(`${root}/empty`, -1, -1.5);
  utimesSync(`${root}/locked`, 0, 1_700_000_000.1);
  utimesSync(`${root}/plain.txt`, 1, 4_102_444_800.25);
  lutimesSync(`${root}/link`, 1000, 2000);
  utimesSync(`${root}/empty-folder`, 5, 6);
}

/**
 * One line for each entry below a folder, with what every restore must bring back: type, mode, size, time to the nanosecond,
 * target, hash, and which names are one file.
 */
export function describeTree(root: string): string[] {
  const lines: string[] = [];
  const firstNames = new Map<string, string>();
  const visit = (folder: Buffer, shown: string): void => {
    for (const name of readdirSync(folder, { encoding: 'buffer' })) {
      const path = Buffer.concat([folder, Buffer.from('/'), name]);
      const text = `${shown}/${JSON.stringify(name.toString('latin1')).slice(1, -1)}`;
      const stat = lstatSync(path, { bigint: true });
      const facts = [text, (stat.mode & 0o171777n).toString(8), stat.uid, stat.gid, stat.mtimeNs];
      if (stat.isFile()) {
        facts.push(stat.size, createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 16));
        const inode = String(stat.ino);
        if (stat.nlink > 1n) facts.push(`same as ${firstNames.get(inode) ?? text}`);
        if (!firstNames.has(inode)) firstNames.set(inode, text);
      }
      if (stat.isSymbolicLink()) facts.push(readlinkSync(path, { encoding: 'latin1' }));
      lines.push(facts.join(' '));
      if (stat.isDirectory()) visit(path, text);
    }
  };
  visit(Buffer.from(root), '');
  return lines.sort();
}
