import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { bootTest } from '../../../core/domain/system-tests.ts';
import { askPort } from './ask-port.ts';
import { qemuArguments } from './machine.ts';
import { changedShare, isOneColour, parsePpm, screenText, surrender, TEXT_BYTES, wordsOfSystem } from './picture.ts';
import { SerialConsole } from './serial-console.ts';
import { SignIn } from './sign-in.ts';

function ppm(width: number, height: number, paint: (at: number) => number): Buffer {
  const pixels = Buffer.alloc(width * height * 3);
  for (let at = 0; at < width * height; at++) pixels.writeUIntBE(paint(at), at * 3, 3);
  return Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), pixels]);
}

describe('a picture', () => {
  test('is read strictly: it comes out of a sandbox', () => {
    expect(parsePpm(ppm(4, 2, () => 0x102030))).toMatchObject({ width: 4, height: 2 });
    for (const bad of ['', 'P5\n1 1\n255\nabc', 'P6\n1 1\n255\nabcd', 'P6\n9999 9999\n255\n', 'P6\n0 0\n255\n'])
      expect(() => parsePpm(Buffer.from(bad))).toThrow('The picture of the screen is none.');
  });
  test('of one colour is blank, whatever the colour, and also with a cursor', () => {
    expect(isOneColour(parsePpm(ppm(100, 100, () => 0x0000ff)))).toBe(true);
    expect(isOneColour(parsePpm(ppm(100, 100, (at) => (at < 5 ? 0xffffff : 0))))).toBe(true);
    expect(isOneColour(parsePpm(ppm(100, 100, (at) => (at < 50 ? 0xffffff : 0))))).toBe(false);
  });
  test('of a million colours is not blank: a photograph behind a desktop is an ordinary screen', () => {
    expect(isOneColour(parsePpm(ppm(1280, 1024, (at) => at)))).toBe(false);
  });
  test('has changed by the share of its pixels; one of another size, as a whole', () => {
    const black = parsePpm(ppm(10, 10, () => 0));
    expect(changedShare(black, parsePpm(ppm(10, 10, (at) => (at < 25 ? 1 : 0))))).toBe(0.25);
    expect(changedShare(black, parsePpm(ppm(5, 20, () => 0)))).toBe(1);
  });
});

test('the words of the firmware are none of the system, and those of a system are kept', () => {
  const memory = Buffer.alloc(TEXT_BYTES);
  for (const [row, line] of ['SeaBIOS (version 1.16.2)', 'Booting from Hard Disk...', 'ready'].entries())
    for (const [at, sign] of line.split('').entries()) memory[(row * 80 + at) * 2] = sign.charCodeAt(0);
  expect(screenText(memory)).toBe('SeaBIOS (version 1.16.2)\nBooting from Hard Disk...\nready');
  expect(wordsOfSystem(screenText(memory))).toBe('ready');
  expect(surrender('… Kernel panic - not syncing: VFS')).toBe('Kernel panic - not syncing');
  expect(surrender('Welcome to the shop')).toBeUndefined();
});

describe('the serial console', () => {
  test('is heard without the signs that steer terminals, also when they come in pieces', () => {
    const heard = new SerialConsole(() => undefined);
    for (const piece of ['\u001b', '[1;3', '2mlog\u001b[0', 'min:\r', '\n']) heard.hear(Buffer.from(piece));
    expect(heard.text.trimEnd()).toBe('login:');
    expect(heard.heard('login:')).toBe(6);
  });
  test('keeps the end of what is said, and places stay what they were', () => {
    const heard = new SerialConsole(() => undefined);
    heard.hear(Buffer.from('first'));
    const place = heard.heard('first');
    heard.hear(Buffer.from('x'.repeat(100_000)));
    expect(heard.heard('first')).toBeUndefined();
    heard.hear(Buffer.from('last'));
    expect(heard.heard('last', place)).toBe(100_009);
    expect(heard.text.length).toBeLessThanOrEqual(64 * 1024);
  });
  test('a sign-in types behind what it waited for, and never twice for the same words', () => {
    const typed: string[] = [];
    const heard = new SerialConsole((line) => typed.push(line));
    const steps = [{ expect: ':', send: 'root' }, { expect: ':', sendsPassword: true }, { expect: '#' }];
    const signIn = new SignIn(steps, 'sesame', heard);
    heard.hear(Buffer.from('login: '));
    signIn.goOn();
    expect(typed).toEqual(['root\r']);
    heard.hear(Buffer.from('root\r\nPassword: '));
    signIn.goOn();
    signIn.goOn();
    expect(typed).toEqual(['root\r', 'sesame\r']);
    expect([signIn.isDone, signIn.waitsFor]).toEqual([false, '#']);
    heard.hear(Buffer.from('\r\n# '));
    signIn.goOn();
    expect(signIn.isDone).toBe(true);
  });
});

describe('a port', () => {
  let server: Server | undefined;
  afterEach(() => void server?.close());
  const listen = async (answer: (said: string) => string | undefined, greeting?: string): Promise<number> => {
    server = createServer((socket) => {
      if (greeting !== undefined) socket.write(greeting);
      socket.on('error', () => undefined);
      socket.on('data', (piece) => {
        const words = answer(piece.toString());
        if (words !== undefined) socket.end(words);
      });
    });
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
    return (server.address() as { port: number }).port;
  };
  test('answers with its greeting, or when it is spoken to', async () => {
    const greeting = await listen(() => undefined, 'SSH-2.0-OpenSSH_9.2\r\n');
    expect(await askPort({ host: '127.0.0.1', port: greeting }, { expect: 'SSH-2.0' }, 5000)).toMatchObject({
      isExpected: true,
    });
    server!.close();
    const web = await listen((said) =>
      said === 'GET / HTTP/1.0\r\n\r\n' ? 'HTTP/1.1 200 OK\r\n' : 'HTTP/1.1 400\r\n',
    );
    const ask = { send: 'GET / HTTP/1.0\\r\\n\\r\\n', expect: '200 OK' };
    expect(await askPort({ host: '127.0.0.1', port: web }, ask, 5000)).toMatchObject({ isExpected: true });
  });
  test('that says something else, nothing, or is closed, does not', async () => {
    const other = await listen(() => undefined, 'go away\r\n');
    const at = { host: '127.0.0.1', port: other };
    expect(await askPort(at, { expect: 'SSH' }, 200)).toEqual({ text: 'go away\r\n', isExpected: false });
    server!.close();
    const mute = await listen(() => undefined);
    expect(await askPort({ ...at, port: mute }, { expect: 'SSH' }, 200)).toEqual({ text: '', isExpected: false });
    server!.close();
    expect(await askPort({ ...at, port: 1 }, { expect: 'SSH' }, 200)).toEqual({ text: '', isExpected: false });
  });
});

describe('the machine', () => {
  const argumentsFor = (wish: object): string => {
    const test = bootTest.parse({ image: 'only', serial: 'x', ...wish });
    const disk = { format: 'qcow2', virtualBytes: 1 } as const;
    return qemuArguments({ image: '/i', disk, test, pictureFile: 'p' }).join(' ');
  };
  test('has no network but for a port that is asked, and nothing gets out of that one', () => {
    expect(argumentsFor({})).toContain('-nic none');
    const asked = argumentsFor({ port: { port: 80, expect: 'x' } });
    expect(asked).toContain('restrict=on');
    expect(asked).toContain('hostfwd=tcp:127.0.0.1:20000-:80');
  });
  test('has the network card that goes with its disk', () => {
    const port = { port: 80, expect: 'x' };
    expect(argumentsFor({ port })).toContain('-device virtio-net-pci,netdev=net,');
    for (const disk of ['sata', 'ide']) expect(argumentsFor({ port, disk })).toContain('-device e1000,netdev=net,');
  });
  test('gives the system the network of its own address, whatever that is', () => {
    const asked = argumentsFor({ port: { port: 80, expect: 'x', address: '192.168.1.2' } });
    expect(asked).toContain('net=192.168.1.0/24,host=192.168.1.3,dns=192.168.1.4,dhcpstart=192.168.1.2');
    expect(asked).toContain('-192.168.1.2:80');
  });
  test('never writes to the image, nor follows what its head names', () => {
    expect(argumentsFor({})).toContain(
      '"driver":"qcow2","read-only":true,"file":{"driver":"file","filename":"/i"},"backing":null',
    );
  });
});
