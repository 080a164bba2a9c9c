/** What is signed and what is chained. The database computes the same hash: migration 20261121170000_evidence. */
import { portableBytes } from '../base/portable-bytes.ts';

/** The chain of a customer begins with this. */
export const GENESIS = '0'.repeat(64);
/** What stands before a text when it is signed: a signature of one kind can never pass for one of another. */
export const SIGNED_PREFIX = {
  record: 'holdfast-evidence-v1\n',
  anchor: 'holdfast-evidence-anchor-v1\n',
  key: 'holdfast-evidence-key-v1\n',
} as const;

const encoder = new TextEncoder();

export async function sha256HexOf(data: string | Uint8Array): Promise<string> {
  const bytes = typeof data === 'string' ? encoder.encode(data) : Uint8Array.from(data);
  return portableBytes.hexOf(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}

/**
 * The hash of the chain after a record, from the hash before it and the SHA-256 of the record's text: who gets some records
 * alone can still follow the chain through the others by 64 letters each, without their contents.
 */
export async function chainHash(previous: string, textSha256: string): Promise<string> {
  return await sha256HexOf(`holdfast-evidence-chain-v1\n${previous}\n${textSha256}`);
}

/** The id of an Ed25519 key: the SHA-256 of its 32 bytes, which are given in base64url. */
export async function keyIdOf(publicKey: string): Promise<string> {
  return await sha256HexOf(portableBytes.bytesOfBase64(publicKey));
}

/** Fails where the browser has no Ed25519, and nowhere else: a key or a signature of the wrong form is simply not valid. */
export async function isSignatureValid(signed: {
  readonly prefix: string;
  readonly text: string;
  readonly signature: string;
  /** 32 bytes in base64url, or SPKI in PEM. */
  readonly publicKey: string;
}): Promise<boolean> {
  const { prefix, text, signature, publicKey } = signed;
  const isPem = publicKey.startsWith('-----BEGIN PUBLIC KEY-----');
  const bytes = portableBytes.bytesOfBase64(isPem ? publicKey.replaceAll(/-----[^-]+-----|\s/g, '') : publicKey);
  let key: CryptoKey;
  try {
    key = await crypto.subtle.importKey(isPem ? 'spki' : 'raw', Uint8Array.from(bytes), 'Ed25519', false, ['verify']);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotSupportedError') throw error;
    return false;
  }
  const made = Uint8Array.from(portableBytes.bytesOfBase64(signature));
  return await crypto.subtle.verify('Ed25519', key, made, encoder.encode(prefix + text));
}

/** False in a browser that cannot check such signatures. */
export async function canCheckSignatures(): Promise<boolean> {
  // RFC 8032, 7.1, test 1: an empty text.
  const publicKey = portableBytes.bytesOfHex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a');
  const signature = portableBytes.bytesOfHex(
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  );
  try {
    return await isSignatureValid({
      prefix: '',
      text: '',
      publicKey: portableBytes.base64Of(publicKey),
      signature: portableBytes.base64Of(signature),
    });
  } catch {
    return false;
  }
}
