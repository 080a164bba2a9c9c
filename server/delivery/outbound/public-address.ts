/**
 * Which addresses the service calls for its users: those of the public internet, and no others. A name that people type may
 * point into our own network, at the metadata service of a cloud, or at ourselves.
 */
import { BlockList, isIP, isIPv6 } from 'node:net';

/** RFC 6890 and what came after it; each with its reason in the registry of special-purpose addresses. */
const V4 = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // private
  '100.64.0.0/10', // carriers' NAT
  '127.0.0.0/8', // loopback
  '169.254.0.0/16', // link-local, and the metadata services of the clouds
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments, with 192.0.0.192 of Oracle's metadata
  '192.0.2.0/24', // documentation
  '192.31.196.0/24', // AS112
  '192.52.193.0/24', // AMT
  '192.88.99.0/24', // 6to4 relays
  '192.168.0.0/16', // private
  '192.175.48.0/24', // AS112
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
  '168.63.129.16/32', // Azure's wire server
];
/** Inside 2000::/3, the only part of IPv6 that is routed; everything outside of it is refused as a whole. */
const V6 = [
  '2001::/23', // Teredo, benchmarks, ORCHID: addresses in addresses
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4: any IPv4 address in an IPv6 one
  '2620:4f:8000::/48', // AS112
  '3fff::/20', // documentation
];

const refused = new BlockList();
for (const range of V4) add(range, 'ipv4');
for (const range of V6) add(range, 'ipv6');
const routed6 = new BlockList();
routed6.addSubnet('2000::', 3, 'ipv6');

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

function add(range: string, family: 'ipv4' | 'ipv6'): void {
  const [net = '', bits = ''] = range.split('/');
  refused.addSubnet(net, Number(bits), family);
}

/** A bare address as the resolver gives it; a zone index, a mapped or translated IPv4 address is no public address. */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0 || address.includes('%')) return false;
  if (isIPv6(address)) return routed6.check(address, 'ipv6') && !refused.check(address, 'ipv6');
  return !refused.check(address, 'ipv4');
}

export function isLoopbackAddress(address: string): boolean {
  if (isIP(address) === 0 || address.includes('%')) return false;
  return loopback.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
