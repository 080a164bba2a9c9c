/** S33: what people type leads to the public internet and nowhere else. Each address below is one way in that was thought of. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTcp, type Server as TcpServer } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createCaller } from './call.ts';
import { findWebTarget, type OutboundRules, parseWebAddress, type Resolve } from './find-target.ts';
import { isPublicAddress } from './public-address.ts';
import { scrubAnswer } from './scrub.ts';

const PUBLIC = '93.184.215.14';
const strict: OutboundRules = { allowsLoopback: false, resolve: async () => [PUBLIC] };

const REFUSED_URLS = [
  'http://hooks.provider.com/x', // no TLS
  'ftp://hooks.provider.com/x',
  'file:///etc/passwd',
  'gopher://hooks.provider.com:6379/_FLUSHALL',
  'javascript:alert(1)',
  'data:text/plain,x',
  '//hooks.provider.com/x',
  'hooks.provider.com',
  'https://',
  'https://user@hooks.provider.com/',
  'https://user:password@hooks.provider.com/',
  'https://hooks.provider.com@127.0.0.1/',
  'https://hooks.provider.com:22/',
  'https://hooks.provider.com:6379/',
  'https://hooks.provider.com:80/',
  'https://hooks.provider.com /',
  'https://hooks.provider.com\\@127.0.0.1/',
  'https://hooks.provider.com/\r\nHost: other',
  'https://hooks.provider.com/\u0000',
  `https://hooks.provider.com/${'a'.repeat(2100)}`,
  'https://localhost/',
  'https://localhost./',
  'https://LOCALHOST/',
  'https://service.localhost/',
  'https://printer.local/',
  'https://metadata.google.internal/computeMetadata/v1/',
  'https://vault.corp/',
  'https://nas.home.arpa/',
  'https://intranet/',
  'https://127.0.0.1/',
  'https://127.1/',
  'https://0x7f000001/',
  'https://0177.0.0.1/',
  'https://2130706433/',
  'https://0/',
  'https://0.0.0.0/',
  'https://10.0.0.7/',
  'https://172.16.0.1/',
  'https://172.31.255.255/',
  'https://192.168.1.1/',
  'https://169.254.169.254/latest/meta-data/',
  'https://168.63.129.16/',
  'https://192.0.0.192/',
  'https://100.64.0.1/',
  'https://100.100.100.200/',
  'https://198.18.0.1/',
  'https://224.0.0.1/',
  'https://255.255.255.255/',
  'https://①②⑦.⓪.⓪.①/',
  'https://[::1]/',
  'https://[::]/',
  'https://[::ffff:127.0.0.1]/',
  'https://[::ffff:a9fe:a9fe]/',
  'https://[::127.0.0.1]/',
  'https://[64:ff9b::7f00:1]/',
  'https://[64:ff9b:1::a00:1]/',
  'https://[2002:7f00:1::]/',
  'https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/',
  'https://[fd00:ec2::254]/',
  'https://[fc00::1]/',
  'https://[fe80::1]/',
  'https://[fec0::1]/',
  'https://[ff02::1]/',
  'https://[2001:db8::1]/',
];

describe('an address that a person types', () => {
  test.each(REFUSED_URLS)('is refused before anything is asked: %j', async (url) => {
    const resolve = vi.fn<Resolve>(strict.resolve);
    await expect(findWebTarget(url, { ...strict, resolve })).rejects.toMatchObject({ code: 'bad_request' });
    expect(resolve).not.toHaveBeenCalled();
  });
  test.each([
    'https://hooks.provider.com/x?y=1',
    'https://hooks.provider.com:8443/',
    'https://93.184.215.14/',
    'https://[2606:4700::6810:84e5]/',
    'https://hooks.xn--bcher-kva.com/',
  ])('is taken: %s', async (url) => {
    await expect(findWebTarget(url, strict)).resolves.toMatchObject({ isLoopback: false });
  });
});

describe('a name', () => {
  const PRIVATE = [
    '127.0.0.1',
    '10.1.2.3',
    '169.254.169.254',
    '::1',
    'fe80::1%eth0',
    '::ffff:10.0.0.1',
    'fd12::1',
    '0.0.0.0',
  ];
  test.each(PRIVATE)('that leads to %s is refused, alone and behind a public address', async (address) => {
    for (const addresses of [[address], [PUBLIC, address], [address, PUBLIC]])
      await expect(
        findWebTarget('https://hooks.provider.com/', { ...strict, resolve: async () => addresses }),
      ).rejects.toMatchObject({ code: 'bad_request' });
  });
  test('that answers differently the second time was asked only once, and its first answer is called', async () => {
    const resolve = vi.fn<Resolve>(strict.resolve).mockResolvedValueOnce([PUBLIC]).mockResolvedValue(['127.0.0.1']);
    const target = await findWebTarget('https://rebind.provider.com/', { ...strict, resolve });
    expect(target).toMatchObject({ address: PUBLIC, hostname: 'rebind.provider.com' });
    expect(resolve).toHaveBeenCalledTimes(1);
  });
  test('that has no address, or is not found, is said so', async () => {
    await expect(findWebTarget('https://a.provider.com/', { ...strict, resolve: async () => [] })).rejects.toThrow(
      /no address/,
    );
    const resolve = async () => Promise.reject(new Error('ENOTFOUND'));
    await expect(findWebTarget('https://a.provider.com/', { ...strict, resolve })).rejects.toMatchObject({
      code: 'storage_unavailable',
    });
  });
  test('is this machine only where an operator allows it', () => {
    expect(parseWebAddress('http://127.0.0.1:8080/x', true).port).toBe('8080');
    expect(() => parseWebAddress('http://127.0.0.1:8080/x', false)).toThrow();
    for (const url of [
      'http://10.0.0.1/',
      'http://169.254.169.254/',
      'http://hooks.provider.com/',
      'https://192.168.0.1/',
    ])
      expect(() => parseWebAddress(url, true), url).toThrow();
  });
});

test('no public address is refused, and what is no address is not public', () => {
  for (const address of [
    '1.1.1.1',
    '8.8.8.8',
    '172.15.0.1',
    '172.32.0.1',
    '100.63.255.255',
    '100.128.0.0',
    '2a00:1450:4001::1',
  ])
    expect(isPublicAddress(address), address).toBe(true);
  for (const address of ['', 'example.com', '1.1.1', '1.1.1.1%0', '::ffff:1.1.1.1', '300.1.1.1'])
    expect(isPublicAddress(address), address).toBe(false);
});

describe('a call', () => {
  const servers: (Server | TcpServer)[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      if ('closeAllConnections' in server) server.closeAllConnections();
      server.close();
    }
    vi.unstubAllEnvs();
  });
  const serve = async (listener: RequestListener): Promise<string> => {
    const server = createServer(listener);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const caller = (timeMs = 3_000) => createCaller({ allowsLoopback: true, resolve: async () => ['127.0.0.1'], timeMs });

  test('follows no redirect', async () => {
    const seen: string[] = [];
    const url = await serve((request, response) => {
      seen.push(request.url ?? '');
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    expect(await caller().call({ method: 'POST', url: `${url}/a`, body: '{}' })).toMatchObject({
      state: 'answered',
      status: 302,
    });
    expect(seen).toEqual(['/a']);
  });
  test('reads no more than 64 KiB of an answer that has no end', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200);
      const more = (): void => {
        while (response.write('x'.repeat(16_384)));
        response.once('drain', more);
      };
      more();
    });
    const result = await caller().call({ method: 'GET', url });
    expect(result).toMatchObject({ state: 'answered', status: 200 });
    expect(result.state === 'answered' && result.text.length).toBe(65_536);
  });
  test('waits for no server that sends a byte now and then, and knows that it may have been heard', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write('.'), 20);
      response.on('close', () => clearInterval(drip));
    });
    expect(await caller(300).call({ method: 'POST', url, body: '{}' })).toMatchObject({ state: 'no_answer' });
  });
  test('knows that nothing was sent when nobody listens, and that something may have when the line was cut', async () => {
    expect(await caller().call({ method: 'GET', url: 'http://127.0.0.1:1/' })).toMatchObject({
      state: 'not_sent',
      isOurs: false,
    });
    const tcp = createTcp((socket) => socket.once('data', () => socket.destroy()));
    servers.push(tcp);
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(tcp.address() as AddressInfo).port}/`;
    expect(await caller().call({ method: 'POST', url, body: '{}' })).toMatchObject({ state: 'no_answer' });
  });
  test('goes through no proxy of the environment, and sends the name that was asked for', async () => {
    const hosts: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      hosts.push(request.headers.host);
      response.end();
    });
    for (const name of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'ALL_PROXY']) vi.stubEnv(name, 'http://127.0.0.1:1');
    vi.stubEnv('NODE_USE_ENV_PROXY', '1');
    const named = url.replace('127.0.0.1', 'localhost');
    expect(await caller().call({ method: 'GET', url: named })).toMatchObject({ status: 200 });
    expect(hosts).toEqual([new URL(named).host]);
  });
});

test('an answer that is shown holds no secret of ours, no control characters and no end', () => {
  const secret = 'p@ss word+123';
  const forms = [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')];
  const shown = scrubAnswer(
    `\u001b[31m${forms.join(' ')} Bearer abcdefghijkl {"access_token":"zzzzzz"}\n${'y'.repeat(5000)}`,
    [secret],
  );
  for (const form of [...forms, 'abcdefghijkl', 'zzzzzz']) expect(shown).not.toContain(form);
  expect(shown).not.toMatch(/\p{Cc}/u);
  expect(shown.length).toBeLessThanOrEqual(1001);
});
