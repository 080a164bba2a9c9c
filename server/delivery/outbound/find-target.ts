/** From what a person typed to the one address that is called: parsed, resolved once, judged, and pinned. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { HoldfastError } from '../../../core/base/errors.ts';
import type { ServerEnv } from '../../env.ts';
import { isLoopbackAddress, isPublicAddress } from './public-address.ts';

/** Every address of a name. Tests put another in its place: a name that answers differently each time it is asked. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

export interface OutboundRules {
  /** The operator's setting for a service that talks to its own machine: a relay, a test. */
  readonly allowsLoopback: boolean;
  readonly resolve: Resolve;
}

export interface Target {
  readonly hostname: string;
  /** The connection goes to this address, whatever the name says a moment later. */
  readonly address: string;
  readonly port: number;
  readonly isLoopback: boolean;
}

export interface WebTarget extends Target {
  readonly url: URL;
}

const URL_CHARS_MAX = 2048;
const RESOLVE_MS = 5_000;
/** Where web servers and their interfaces listen; anything else is somebody's database. */
const WEB_PORTS = new Set([443, 8443]);
/** Names that mean the machine or its cloud, whoever answers for them. */
const REFUSED_NAMES =
  /(?:^|\.)(?:localhost|local|internal|intranet|lan|home|corp|localdomain|home\.arpa|in-addr\.arpa|ip6\.arpa|onion|test|invalid|example)\.?$/i;

export function outboundRules(env: ServerEnv): OutboundRules {
  return { allowsLoopback: env.HOLDFAST_OUTBOUND_LOOPBACK === 'allow', resolve: resolveName };
}

async function resolveName(hostname: string): Promise<readonly string[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the name was not resolved in time')), RESOLVE_MS);
  });
  const found = lookup(hostname, { all: true, verbatim: true });
  found.catch(() => undefined); // an answer after the deadline is nobody's
  return (await Promise.race([found, late]).finally(() => clearTimeout(timer))).map(({ address }) => address);
}

/** The form of an address that a person types, before anything is resolved. @throws HoldfastError bad_request. */
export function parseWebAddress(text: string, allowsLoopback: boolean): URL {
  const refuse = (why: string): never => {
    throw new HoldfastError('bad_request', `This address cannot be used: ${why}`);
  };
  if (text.length > URL_CHARS_MAX) refuse('it is longer than 2,048 characters.');
  // What a browser would strip or turn around is refused, so that everybody reads the same address.
  if (/[\s\\\p{Cc}]/u.test(text)) refuse('it contains spaces, backslashes or control characters.');
  const url = URL.canParse(text) ? new URL(text) : refuse('it is not a web address. It begins with https://.');
  if (url.username !== '' || url.password !== '') refuse('it contains a user name or a password.');
  const hostname = bareHost(url.hostname);
  const isOwnMachine = allowsLoopback && (hostname === 'localhost' || isLoopbackAddress(hostname));
  if (isOwnMachine && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  if (url.protocol !== 'https:') refuse('it does not begin with https://.');
  if (!WEB_PORTS.has(portOf(url))) refuse('only the ports 443 and 8443 are called.');
  if (isIP(hostname) === 0) requirePublicName(hostname, refuse);
  else if (!isPublicAddress(hostname)) refuse('it lies in a private or reserved network.');
  return url;
}

function requirePublicName(hostname: string, refuse: (why: string) => never): void {
  if (REFUSED_NAMES.test(hostname)) refuse('the name belongs to a private network.');
  if (!hostname.replace(/\.$/, '').includes('.')) refuse('the name has no domain.');
}

const bareHost = (hostname: string): string => hostname.replace(/^\[|\]$/g, '');
const portOf = (url: URL): number => (url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port));

/** @throws HoldfastError bad_request for an address that may not be called; storage_unavailable when the name is not found. */
export async function findWebTarget(text: string, rules: OutboundRules): Promise<WebTarget> {
  const url = parseWebAddress(text, rules.allowsLoopback);
  return { url, ...(await findTarget(bareHost(url.hostname), portOf(url), rules)) };
}

/** As for the web, for any host and port: every address of the name must be public, and the first is pinned. */
export async function findTarget(hostname: string, port: number, rules: OutboundRules): Promise<Target> {
  const refuse = (why: string): never => {
    throw new HoldfastError('bad_request', `${hostname} cannot be called: ${why}`, { detail: { hostname, port } });
  };
  const isOwnName = rules.allowsLoopback && hostname.toLowerCase() === 'localhost';
  if (isIP(hostname) === 0 && !isOwnName) requirePublicName(hostname, refuse);
  const addresses = isIP(hostname) === 0 ? await resolveOrSay(hostname, rules.resolve) : [hostname];
  const [first] = addresses;
  if (first === undefined) return refuse('the name has no address.');
  if (rules.allowsLoopback && addresses.every(isLoopbackAddress))
    return { hostname, address: first, port, isLoopback: true };
  // One bad address among good ones is how a name is made to be tried again until the bad one answers.
  if (!addresses.every(isPublicAddress)) refuse('it lies in a private or reserved network.');
  return { hostname, address: first, port, isLoopback: false };
}

async function resolveOrSay(hostname: string, resolve: Resolve): Promise<readonly string[]> {
  try {
    return await resolve(hostname);
  } catch (cause) {
    throw new HoldfastError('storage_unavailable', `The name ${hostname} was not found.`, { cause });
  }
}
