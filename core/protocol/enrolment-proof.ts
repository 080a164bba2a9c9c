/**
 * Proof that whoever enrols holds the private key it announces. The device is not known yet, so the signature of
 * signed-request.ts (which names tenant and device) cannot be made; the body, which holds token and public key, is signed
 * alone. It travels in the header `holdfast-signature`, beside `holdfast-protocol`.
 */
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { bodyHash } from './signed-request.ts';

const signedText = (body: Uint8Array): Buffer => Buffer.from(`holdfast-enrol-v1\n${bodyHash(body)}`);

/** Base64url Ed25519 signature over the body exactly as it is sent. `privateKey` is PKCS #8 PEM. */
export function signEnrolment(body: Uint8Array, privateKey: string): string {
  return sign(null, signedText(body), createPrivateKey(privateKey)).toString('base64url');
}

/** `publicKey` is the SPKI PEM inside of that body. False for anything that is not a valid Ed25519 proof; never throws. */
export function isEnrolmentProofValid(body: Uint8Array, signature: string, publicKey: string): boolean {
  try {
    const key = createPublicKey(publicKey);
    return (
      key.asymmetricKeyType === 'ed25519' && verify(null, signedText(body), key, Buffer.from(signature, 'base64url'))
    );
  } catch {
    return false;
  }
}
