/**
 * The way to code of OpenSSL's that Node has no call for: Node has OpenSSL linked in and exports its symbols, which are called through
 * koffi (docs/decisions/0013).
 */
import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';

export type KoffiModule = typeof Koffi;
/** What the process itself is linked with. */
export type Linked = ReturnType<KoffiModule['load']>;

/**
 * What `declare` makes of OpenSSL's functions; undefined where any part of the way is missing. Whoever uses them compares what they first
 * give with what another way gives.
 */
export function throughOpenSsl<T>(declare: (linked: Linked, koffi: KoffiModule) => T | undefined): T | undefined {
  const { platform, arch, versions } = process;
  // A wrong signature could end the process: only what was looked at is called. The layouts are written down for this one.
  if (platform !== 'linux' || arch !== 'x64' || !versions.openssl.startsWith('3.')) return undefined;
  try {
    const koffi = createRequire(import.meta.url)('koffi') as KoffiModule;
    return declare(koffi.load(null), koffi);
  } catch {
    return undefined; // a distribution's Node hides symbols: slower, and not otherwise different
  }
}
