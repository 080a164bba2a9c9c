import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { unwrittenParts } from './program-pages.ts';

const SMAPS = `00400000-00746000 r--p 00000000 fe:00 5326288                            /opt/my node/bin/node
Size:               3352 kB
Rss:                1000 kB
Anonymous:             0 kB
VmFlags: rd mr mw me sd
0074a000-03044000 r-xp 0034a000 fe:00 5326288                            /opt/my node/bin/node
Anonymous:             0 kB
03201000-06b51000 r--p 02e01000 fe:00 5326288                            /opt/my node/bin/node
Anonymous:             4 kB
06b56000-06b7d000 rw-p 06755000 fe:00 5326288                            /opt/my node/bin/node
Anonymous:             0 kB
06b7d000-06bb6000 r--p 00000000 00:00 0 
Anonymous:             0 kB
7f271ed80000-7f271ef85000 r-xp 01627000 fe:00 5326288                    /opt/my node/bin/node
Anonymous:             0 kB
7f273e456000-7f273e45a000 r-xp 10000000 00:10 3624969                    /usr/lib/libc.so.6
Anonymous:             0 kB
7f273e46a000-7f273e46b000 r--s 00000000 fe:00 5326288                    /opt/my node/bin/node
Anonymous:             0 kB
`;

test('only what lies in the program’s file, may not be written and never was is given back', () => {
  expect(unwrittenParts(SMAPS, '/opt/my node/bin/node')).toEqual([
    { start: 0x400000n, length: 0x346000n },
    { start: 0x74a000n, length: 0x28fa000n },
    { start: 0x7f271ed80000n, length: 0x205000n },
  ]);
  expect(unwrittenParts(SMAPS, '/opt/my node/bin/nod')).toEqual([]);
  expect(unwrittenParts('', '/opt/my node/bin/node')).toEqual([]);
});

test.runIf(process.platform === 'linux')('a process holds less of its program afterwards, and goes on', () => {
  const script = `
    import { createHash } from 'node:crypto';
    import { readFileSync } from 'node:fs';
    import { Worker } from 'node:worker_threads';
    import { releaseProgramPages } from ${JSON.stringify(new URL('./program-pages.ts', import.meta.url).href)};
    const held = () => Number(/RssFile:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
    const before = held();
    releaseProgramPages();
    const after = held();
    releaseProgramPages();
    const worker = new Worker('import { parentPort } from "node:worker_threads"; parentPort.postMessage(JSON.stringify({ a: [1, 2] }))', { eval: true });
    worker.on('message', (text) => {
      console.log(JSON.stringify({ before, after, text, hash: createHash('sha256').update('x').digest('hex').slice(0, 8) }));
    });`;
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  const { before, after, ...rest } = JSON.parse(out) as { before: number; after: number };
  expect(rest).toEqual({ text: '{"a":[1,2]}', hash: '2d711642' });
  expect(after).toBeLessThan(before * 0.7);
});
