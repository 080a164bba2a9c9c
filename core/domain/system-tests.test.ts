import { expect, test } from 'vitest';
import { diskImagesOf } from './system-test-words.ts';
import { bootTest, needsPassword, scriptTest, systemTests } from './system-tests.ts';

test('a test of a system says what shows that it came up', () => {
  expect(bootTest.safeParse({ image: 'only' }).error?.issues[0]?.message).toContain('Say what shows');
  expect(bootTest.parse({ image: 'only', serial: 'login:' })).toEqual({
    ...{ image: 'only', memoryMiB: 1024, cpus: 1, disk: 'virtio', withinSeconds: 600, serial: 'login:' },
  });
});
test.each([
  ['an image outside of the restore point', { image: '/vm/../../etc/shadow', serial: 'x' }],
  ['a relative image', { image: 'disk.raw', serial: 'x' }],
  ['more memory than a worker may give', { image: 'only', serial: 'x', memoryMiB: 1_000_000 }],
  ['a port without an answer to wait for', { image: 'only', port: { port: 80 } }],
  ['a step that types two things', { image: 'only', login: [{ expect: 'x', send: 'y', sendsPassword: true }] }],
  ['a picture as the proof of UEFI, which paints its own', { image: 'only', firmware: 'uefi', screen: {} }],
  ['a line break in what is waited for', { image: 'only', serial: 'a\nb' }],
])('%s is refused', (_name, value) => {
  expect(bootTest.safeParse(value).success).toBe(false);
});
test('a script names what it needs by paths of the restore point', () => {
  expect(scriptTest.parse({ name: 'shop', text: 'exit 0' })).toMatchObject({ needs: [], withinSeconds: 300 });
  expect(scriptTest.safeParse({ name: 'shop', text: 'exit 0', needs: ['srv'] }).success).toBe(false);
});
test('knows whether a password is typed', () => {
  const login = [{ expect: 'login:', send: 'root' }, { expect: 'Password:' }];
  const parse = (steps: unknown) => systemTests.parse({ boot: { image: 'only', login: steps } });
  expect(needsPassword(parse(login))).toBe(false);
  expect(needsPassword(parse([login[0], { ...login[1], sendsPassword: true }]))).toBe(true);
  expect(needsPassword({})).toBe(false);
});
test('images are known by their names; a descriptor gives way to its flat file', () => {
  expect(
    diskImagesOf(['/a/disk.qcow2', '/a/readme.txt', '/b/win.VHDX', '/c/x.vmdk', '/c/x-flat.vmdk', '/d/y.vmdk']),
  ).toEqual([...['/a/disk.qcow2', '/b/win.VHDX', '/c/x-flat.vmdk', '/d/y.vmdk']]);
});
