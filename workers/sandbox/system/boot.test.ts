/** Real machines: QEMU starts systems of 512 bytes in the sandbox, and what is said of them is what they did. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isOneColour } from './picture.ts';
import { BootBench } from './testing/boot-bench.ts';
import { uefiSystem } from './testing/uefi-system.ts';
import { blankSystem, crashingSystem, emptyDisk, hangingSystem, signInSystem } from './testing/boot-sectors.ts';

let bench: BootBench;
beforeAll(() => {
  bench = new BootBench();
});
afterAll(() => bench.close());

const image: BootBench['image'] = (...terms) => bench.image(...terms);
const boot: BootBench['boot'] = async (...terms) => await bench.boot(...terms);

const SIGN_IN = [{ expect: 'login:', send: 'root' }, { expect: 'Password:', sendsPassword: true }, { expect: '# ' }];

describe('a system that comes up', () => {
  test('is seen on its console and its screen, signed in to, and photographed; its disk stays as it was', async () => {
    const screen = { stableSeconds: 1, contains: 'All services are up' };
    const wish = { serial: 'test system ready', screen, login: SIGN_IN };
    const { of, picture, timings, software } = await boot(
      image('good.raw', signInSystem('root', 'sesame')),
      wish,
      'sesame',
    );
    expect(of['boot']).toMatchObject({ state: 'passed', subject: '/vm/good.raw' });
    expect(of['boot']!.output).toContain('Holdfast test system 1.0');
    expect(of['login']).toMatchObject({ state: 'passed', actual: 'signed in' });
    // The signs that make a terminal write in bold are not part of what was said.
    expect(of['boot']!.output).toContain('\ntest system ready');
    expect(picture).toMatchObject({ width: 720, height: 400 });
    expect(isOneColour(picture!)).toBe(false);
    expect(timings.startMs).toBeGreaterThanOrEqual(of['boot']!.ms);
    expect(software['qemu']).toMatch(/^\d+\.\d+/);
  });
  test('with another password than it has, and without a service at the port, fails those two alone', async () => {
    const port = { port: 22, expect: 'SSH-2.0', address: '192.168.7.2' };
    const wish = { serial: 'ready', login: SIGN_IN, port, withinSeconds: 15 };
    const { of } = await boot(image('locked.raw', signInSystem('root', 'sesame')), wish, 'wrong');
    expect(of['boot']!.state).toBe('passed');
    expect(of['login']).toMatchObject({ state: 'failed', actual: '2 of 3 steps' });
    expect(of['login']!.output).toContain('came to step 3, where “# ” was not seen');
    // The emulator accepts every connection in the system's place: that is no answer.
    expect(of['port']).toMatchObject({ state: 'failed', actual: 'no answer' });
    expect(of['port']!.output).toContain('Nothing answered at port 22');
  });
  test.each(['qcow2', 'vmdk', 'vdi', 'vhdx', 'vpc'])('starts from a %s image, too', async (format) => {
    const raw = image(`to-${format}.raw`, signInSystem('root', 'sesame'));
    const file = path.join(bench.folder, `disk.${format}`);
    execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', format, raw, file]);
    chmodSync(file, 0o444);
    expect((await boot(file, { serial: 'ready' })).of['boot']!.state).toBe('passed');
  });
  test.each(['sata', 'ide'])('starts from a disk on %s', async (disk) => {
    const file = image(`on-${disk}.raw`, signInSystem('root', 'sesame'));
    expect((await boot(file, { serial: 'ready', disk })).of['boot']!.state).toBe('passed');
  });
});

describe('a system that starts by UEFI', () => {
  const UEFI = { firmware: 'uefi', memoryMiB: 128, withinSeconds: 90 };
  test('is started by that firmware, and its words are seen', async () => {
    const { of } = await boot(image('uefi.raw', uefiSystem('test system ready')), { ...UEFI, serial: 'system ready' });
    expect(of['boot']).toMatchObject({ state: 'passed', subject: '/vm/uefi.raw' });
  });
  test('and is not there: the firmware says so, which is no proof', async () => {
    const { of } = await boot(image('no-uefi.raw', emptyDisk()), { ...UEFI, serial: 'system ready' });
    expect(of['boot']!.state).toBe('failed');
    expect(of['boot']!.output).toMatch(/it gave up with “(?:No bootable option or device|UEFI Interactive Shell)/);
  });
  test('is not taken for one that starts by a BIOS', async () => {
    const file = image('uefi-only.raw', uefiSystem('test system ready'));
    const { of } = await boot(file, { serial: 'system ready', withinSeconds: 15 });
    expect(of['boot']!.state).toBe('failed');
  });
});

describe('a system that does not come up', () => {
  test('shows nothing: a blank screen is no proof, however long it stays', async () => {
    const wish = { screen: { stableSeconds: 1 }, withinSeconds: 15 };
    const { of, picture } = await boot(image('blank.raw', blankSystem()), wish);
    expect(of['boot']).toMatchObject({ state: 'failed' });
    expect(of['boot']!.output).toContain('The screen stayed blank');
    expect(isOneColour(picture!)).toBe(true);
  });
  test('crashes: the machine resets, and that is said at once', async () => {
    const { of } = await boot(image('crash.raw', crashingSystem()), { serial: 'never said' });
    expect(of['boot']!.state).toBe('failed');
    expect(of['boot']!.output).toContain('it started itself anew, or crashed so that the machine reset');
    expect(of['boot']!.output).toContain('about to crash');
  });
  test('hangs: when its time is over, what it said last is told', async () => {
    const { of } = await boot(image('hang.raw', hangingSystem()), { serial: 'database ready', withinSeconds: 12 });
    expect(of['boot']!.state).toBe('failed');
    expect(of['boot']!.output).toContain('the 12 s that it may take were over');
    expect(of['boot']!.output).toContain('“database ready” was not seen on the serial console');
    expect(of['boot']!.output).toContain('Starting the database...');
  });
  test('is not there: the words of the firmware on the screen are no proof', async () => {
    const { of } = await boot(image('empty.raw', emptyDisk()), { screen: { stableSeconds: 1 } });
    expect(of['boot']!.state).toBe('failed');
    expect(of['boot']!.output).toContain('it gave up with “Boot failed');
  });
});

describe('an image that names further files', () => {
  const qcow2 = (args: readonly string[], name: string): string => {
    const file = path.join(bench.folder, name);
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', ...args, file, '1M']);
    chmodSync(file, 0o444);
    return file;
  };
  const PARTS = 'It is a part of an image: it names further files that are read with it, and those are not followed.';
  test('is refused, and not one of them is read: a backing file', async () => {
    const file = qcow2(['-u', '-b', '/etc/passwd', '-F', 'raw'], 'backed.qcow2');
    const { of, hasPicture } = await boot(file, { serial: 'root' });
    expect(of['boot']).toMatchObject({
      state: 'skipped',
      output: `The system in backed.qcow2 was not started. ${PARTS}`,
    });
    expect(hasPicture).toBe(false);
  });
  test('a file for its data', async () => {
    const file = qcow2(['-o', `data_file=${path.join(bench.folder, 'data.raw')},data_file_raw=on`], 'split.qcow2');
    expect((await boot(file, { serial: 'x' })).of['boot']).toMatchObject({
      state: 'skipped',
      output: expect.stringContaining(PARTS),
    });
  });
  test('the descriptor of a disk in several files', async () => {
    const file = path.join(bench.folder, 'flat.vmdk');
    execFileSync('qemu-img', ['create', '-q', '-f', 'vmdk', '-o', 'subformat=monolithicFlat', file, '1M']);
    chmodSync(file, 0o444);
    const { output } = (await boot(file, { serial: 'x' })).of['boot']!;
    expect(output).toContain('Name the file that holds the disk itself');
  });
  test('a descriptor inside of an image that points elsewhere', async () => {
    const raw = image('inner.raw', signInSystem('root', 'sesame'));
    const made = path.join(bench.folder, 'made.vmdk');
    execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'vmdk', raw, made]);
    const bytes = readFileSync(made);
    const at = bytes.indexOf('parentCID=ffffffff');
    const line = 'parentCID=00000001\nparentFileNameHint="/etc/passwd"\n';
    bytes.write(line + bytes.toString('latin1', at + 19, at + 400), at, 'latin1');
    const { state, output } = (await boot(image('hinted.vmdk', bytes), { serial: 'ready' })).of['boot']!;
    expect(state).not.toBe('passed');
    expect(output).toContain('names further files');
  });
  test('an encrypted one is not started, a damaged one has failed', async () => {
    const luks = path.join(bench.folder, 'closed.qcow2');
    const secret = ['--object', 'secret,id=key,data=sesame', '-o', 'encrypt.format=luks,encrypt.key-secret=key'];
    // It measures how fast it derives keys, and gives up where the system's clock of a thread is too coarse for it.
    for (let attempt = 1; ; attempt += 1) {
      const made = spawnSync('qemu-img', ['create', '-q', ...secret, '-f', 'qcow2', luks, '1M'], { encoding: 'utf8' });
      if (made.status === 0) break;
      if (attempt === 30 || !made.stderr.includes('accurate CPU usage')) throw new Error(made.stderr);
    }
    chmodSync(luks, 0o444);
    expect((await boot(luks, { serial: 'x' })).of['boot']).toMatchObject({
      state: 'skipped',
      output: expect.stringContaining('It is encrypted'),
    });
    const bytes = readFileSync(qcow2([], 'whole.qcow2'));
    bytes.writeUInt32BE(9, 4); // a version that there is not
    expect((await boot(image('bent.qcow2', bytes), { serial: 'x' })).of['boot']).toMatchObject({
      state: 'failed',
      output: expect.stringContaining('QEMU cannot read it'),
    });
  });
});
