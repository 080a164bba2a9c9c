/** A child that does what a broken or taken-over one might do: the task's path says what. */
import { execFileSync } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import { connect, Socket } from 'node:net';
import { encodeFrame, FrameReader } from '../frames.ts';

const pipe = new Socket({ fd: 3, readable: true, writable: true });
const reader = new FrameReader({ headerBytesMax: 2 ** 31, bodyBytesMax: 2 ** 31 });
const send = (message: unknown): void => {
  for (const part of encodeFrame(message)) pipe.write(part);
};
const attempt = (act: () => unknown): string => {
  try {
    return `did it: ${String(act()).slice(0, 40)}`;
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code ?? error);
  }
};

const acts: Record<string, (scratch: string) => void> = {
  hang: () => {
    for (;;);
  },
  exit: () => process.exit(7),
  crash: () => {
    throw new Error('on purpose');
  },
  kill: () => process.kill(process.pid, 'SIGSEGV'),
  heap: () => {
    const kept: unknown[] = [];
    for (;;) kept.push(Array.from({ length: 1_000_000 }).fill(1.5));
  },
  buffers: () => {
    const kept: Buffer[] = [];
    setInterval(() => kept.push(Buffer.alloc(32 * 1024 * 1024, 1)), 5);
  },
  garbage: () => writeSync(3, Buffer.from('this is no frame at all, is it? '.repeat(100))),
  huge: () => writeSync(3, Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])),
  traversal: () => send({ type: 'get', id: 1, key: '../../../etc/passwd', range: null }),
  foreign: () => send({ type: 'list', id: 1, prefix: '' }),
  flood: () => {
    for (let id = 0; id < 1000; id++) send({ type: 'list', id, prefix: 'index/' });
  },
  lie: () => {
    const timings = { openMs: 0, locateMs: 0, transferMs: 0 };
    send({
      type: 'result',
      value: { filesRestored: 1, bytesRestored: 4, absent: [], damaged: [], damagedIndexes: [], timings },
    });
    pipe.end(() => process.exit(0));
  },
  nonsense: () => {
    send({ type: 'result', value: { everything: 'fine' } });
    pipe.end(() => process.exit(0));
  },
  twice: () => {
    send({ type: 'result', value: 1 });
    send({ type: 'result', value: 2 });
  },
  output: () => {
    const more = (): void => {
      for (let n = 0; n < 8; n++) writeSync(4, Buffer.alloc(64 * 1024));
      setImmediate(more);
    };
    more();
  },
  scratch: (scratch) => {
    let n = 0;
    setInterval(() => writeFileSync(`${scratch}/${n++}`, Buffer.alloc(1024 * 1024)), 1);
  },
  probe: (scratch) => {
    const report: Record<string, string> = {
      environment: Object.keys(process.env).sort().join(' '),
      'read /etc/passwd': attempt(() => readFileSync('/etc/passwd', 'utf8')),
      'read the service': attempt(() => readFileSync(new URL('../../../server/env.ts', import.meta.url), 'utf8')),
      'write outside': attempt(() => writeFileSync(`${scratch}/../escaped`, 'x')),
      'link outside': attempt(() => symlinkSync('/etc', `${scratch}/link`)),
      'start a program': attempt(() => execFileSync('/bin/true')),
    };
    const socket = connect(Number(process.argv[2] ?? 80), '127.0.0.1');
    const done = (network: string) => {
      send({ type: 'result', value: { ...report, network } });
      pipe.end(() => process.exit(0));
    };
    socket.on('connect', () => done('connected'));
    socket.on('error', (error) => done(String((error as NodeJS.ErrnoException).code)));
  },
};

pipe.on('data', (piece: Buffer) => {
  for (const { header } of reader.push(piece)) {
    // A drill names no path; what it shall do is the name of the first file that it asks for.
    const task = header as { path?: string; paths?: string[] };
    const act = task.path ?? task.paths?.[0]?.split('/').at(-1);
    if (act !== undefined) acts[act]?.(process.cwd());
  }
});
