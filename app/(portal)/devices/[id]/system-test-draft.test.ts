import { describe, expect, test } from 'vitest';
import { systemTests } from '../../../../core/domain/system-tests.ts';
import { systemDraftOf, type SystemTestDraft, systemTestsOf } from './system-test-draft.ts';

const FULL = systemTests.parse({
  boot: {
    ...{ image: '/vm/web.qcow2', memoryMiB: 2048, cpus: 2, disk: 'sata', withinSeconds: 300, serial: 'login:' },
    screen: { stableSeconds: 5, contains: 'Welcome' },
    port: { port: 80, address: '192.168.1.10', send: 'GET / HTTP/1.0\\r\\n\\r\\n', expect: '200 OK' },
    login: [{ expect: 'login:', send: 'root' }, { expect: 'Password:', sendsPassword: true }, { expect: '#' }],
  },
  script: { name: 'shop', text: 'set -e\ntest -s orders.csv\n', needs: ['/srv/shop'], withinSeconds: 60 },
});

test('what is declared comes back through the form as it was', () => {
  expect(systemTestsOf(systemDraftOf(FULL))).toEqual({ ok: true, tests: FULL });
  expect(systemTestsOf(systemDraftOf({}))).toEqual({ ok: true, tests: {} });
  const uefi = systemTests.parse({ boot: { image: 'only', serial: 'ready', firmware: 'uefi' } });
  expect(systemTestsOf(systemDraftOf(uefi))).toEqual({ ok: true, tests: uefi });
  const plain = systemTests.parse({ boot: { image: 'only', serial: 'ready' } });
  expect(systemTestsOf(systemDraftOf(plain))).toEqual({ ok: true, tests: plain });
});

describe('a mistake is named at its field, in words', () => {
  const mistakes: [Partial<SystemTestDraft>, string | undefined, RegExp][] = [
    [{ image: 'vm/web.qcow2' }, 'image', /begins with a slash/],
    [{ memoryMiB: '' }, 'memoryMiB', /A number of MiB/],
    [{ portExpect: '' }, 'portExpect', /a connection alone shows nothing/],
    [{ address: 'web' }, 'address', /An address such as/],
    [{ stableSeconds: '1000' }, 'stableSeconds', /from 1 to 120/],
    [{ firmware: 'uefi' }, 'firmware', /paints a picture of its own/],
    [{ scriptName: '' }, 'scriptName', /A short name/],
    [{ needs: 'srv' }, 'needs', /begins with a slash/],
    [
      { serial: '', hasScreen: false, port: '', address: '', portSend: '', portExpect: '', login: '' },
      undefined,
      /Say what shows/,
    ],
  ];
  test.each(mistakes)('%j', (change, field, words) => {
    const answer = systemTestsOf({ ...systemDraftOf(FULL), ...change });
    expect(answer).toMatchObject({ ok: false, field });
    expect(answer.ok ? '' : answer.message).toMatch(words);
  });
});
