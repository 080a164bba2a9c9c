/** A child that does what a broken or taken-over one might do: the task's path says what. */
import { execFileSync } from 'node:child_process';
import { fstatSync, ftruncateSync, openSync, readFileSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
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
  release: () => send({ type: 'release', at: 0 }),
  /** In a task that has the file for large bodies. */
  shared: () => {
    const report = {
      write: attempt(() => writeSync(5, 'x', 0)),
      truncate: attempt(() => ftruncateSync(5, 0)),
      reopen: attempt(() => openSync('/proc/self/fd/5', 'r+')),
      size: attempt(() => fstatSync(5).size),
    };
    send({ type: 'result', value: report });
    pipe.end(() => process.exit(0));
  },
  flood: () => {
    for (let id = 0; id < 1000; id++) send({ type: 'list', id, prefix: 'index/' });
  },
  lie: () => {
    const timings = { openMs: 0, locateMs: 0, firstByteMs: 0, transferMs: 0 };
    send({
      type: 'result',
      value: {
        filesRestored: 1,
        bytesRestored: 4,
        absent: [],
        damaged: [],
        damagedIndexes: [],
        also: [],
        images: [],
        timings,
      },
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
  /** With programs allowed: what one of them, which Node's own limits do not hold, can see and do. */
  programs: (scratch) => {
    const shell = (line: string): string => {
      try {
        return execFileSync('sh', ['-c', line], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
      } catch (error) {
        return `refused: ${String((error as { stderr?: unknown }).stderr)
          .trim()
          .split('\n')
          .at(-1)}`;
      }
    };
    const report = {
      user: shell('id -u'),
      root: shell('ls -A / | tr "\\n" " "'),
      accounts: shell('cat /etc/passwd'),
      shadow: shell('cat /etc/shadow'),
      service: shell(`cat ${new URL('../../../server/env.ts', import.meta.url).pathname}`),
      writeUsr: shell('touch /usr/holdfast-escape'),
      writeRoot: shell('touch /holdfast-escape'),
      writeBeside: shell(`touch ${scratch}/../holdfast-escape`),
      writeScratch: shell(`echo fine > ${scratch}/fine && cat ${scratch}/fine`),
      capabilities: shell('grep CapEff /proc/self/status'),
      mount: shell(`mount -t tmpfs none ${scratch}`),
      processes: shell('ls -d /proc/[0-9]* | wc -l'),
      network: shell('cat /proc/net/dev | tail -n +3 | cut -d: -f1 | tr -d " "'),
    };
    send({ type: 'result', value: report });
    pipe.end(() => process.exit(0));
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
    // A drill names no path; what it shall do is the name of a file that it asks for.
    const task = header as { path?: string; paths?: string[] };
    const names = [task.path, ...(task.paths ?? []).map((asked) => asked.split('/').at(-1))];
    for (const name of names) if (name !== undefined && Object.hasOwn(acts, name)) acts[name]?.(process.cwd());
  }
});
