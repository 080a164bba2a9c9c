/**
 * A real Linux, started from its disk without help of the processor: a service of it answers over TCP, and somebody signs in with a
 * password. What no system of 512 bytes can show.
 */
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureLinux, type LinuxFiles } from '../../../tools/test/ensure-linux.ts';
import { BootBench } from './testing/boot-bench.ts';
import { linuxDisk } from './testing/linux-system.ts';

const PASSWORD = 'open sesame';
const WITHIN = { memoryMiB: 256, withinSeconds: 150 };
const SIGN_IN = [
  { expect: 'login:', send: 'root' },
  { expect: 'Password:', sendsPassword: true },
  { expect: '# ', send: 'echo user $(id -u) of $(hostname)' },
  { expect: 'user 0 of shop' },
];
const ASK = { port: 80, send: 'GET /health HTTP/1.0\\r\\n\\r\\n', expect: 'all 3 databases are up' };
const SERVE = 'hostname shop; mkdir -p /www; httpd -p 80 -h /www';
const SIGN_IN_HERE = 'getty -L 115200 ttyS0 vt100';

let linux: LinuxFiles;
let login: { readonly user: string; readonly passwordHash: string };
let bench: BootBench;
beforeAll(() => {
  linux = ensureLinux({ triesMax: 3 });
  login = {
    user: 'root',
    passwordHash: execFileSync('openssl', ['passwd', '-6', PASSWORD], { encoding: 'utf8' }).trim(),
  };
  bench = new BootBench();
});
afterAll(() => bench?.close());

test('a service that answers and a sign-in with the right password are seen, in a network that the system asks its address of', async () => {
  const script = `udhcpc -i eth0 -n -q -s /etc/lease && ${SERVE} && echo all 3 databases are up > /www/health && ${SIGN_IN_HERE}`;
  const file = bench.image('shop.raw', linuxDisk(linux, { script, login }));
  const { of, picture, software } = await bench.boot(file, { ...WITHIN, port: ASK, login: SIGN_IN }, PASSWORD);
  expect(of['boot']?.output).toContain('The system in shop.raw came up.');
  expect(of['boot']?.state).toBe('passed');
  expect(of['port']).toMatchObject({ state: 'passed', output: '' });
  expect(of['port']?.actual).toMatch(/^HTTP\/1\.[01] 200 OK[^]*all 3 databases are up/);
  expect(of['login']).toMatchObject({ state: 'passed', actual: 'signed in' });
  expect(picture).toBeDefined();
  expect(software['qemu']).toMatch(/^\d+\.\d+/);
});

test('a service that answers with something else, and a wrong password, fail, at an address that the system gives itself', async () => {
  // When there was time for both it switches itself off, so that nobody waits for what does not come.
  const script = `ip addr add 192.168.7.2/24 dev eth0 && ${SERVE} && timeout 10 ${SIGN_IN_HERE}`;
  const file = bench.image('other.raw', linuxDisk(linux, { script, login }));
  const port = { ...ASK, address: '192.168.7.2' };
  const { of } = await bench.boot(file, { ...WITHIN, port, login: SIGN_IN }, 'another');
  expect(of['port']).toMatchObject({ state: 'failed' });
  expect(of['port']?.actual).toMatch(/^HTTP\/1\.[01] 404/);
  expect(of['port']?.output).toContain('What answered said something else at port 80 of the system in other.raw');
  expect(of['port']?.output).toContain('it switched itself off');
  expect(of['login']).toMatchObject({ state: 'failed', actual: '2 of 4 steps' });
  expect(of['boot']?.state).toBe('failed');
});
