/** The `config` object: sealed JSON, neither compressed nor named by its content. */
import type { RepositoryConfig } from '../types.ts';
import { damagedRepository } from './damage.ts';
import { isId, isObject, member, parseJson } from './json.ts';
import { isChunkerPolynomial } from './polynomial.ts';

export function encodeConfig(config: RepositoryConfig): Buffer {
  return Buffer.from(
    `{"version":${config.version},"id":"${config.id}","chunker_polynomial":"${config.chunkerPolynomial}"}`,
  );
}

/** @throws HoldfastError repository_damaged for another version than 1 or 2, or a malformed id or polynomial. */
export function decodeConfig(json: Uint8Array): RepositoryConfig {
  const value = parseJson(json, 'The repository configuration');
  if (!isObject(value)) throw damagedRepository('The repository configuration is malformed.');
  const version = member(value, 'version');
  const id = member(value, 'id');
  const polynomial = member(value, 'chunker_polynomial');
  if (version !== 1 && version !== 2) {
    throw damagedRepository(
      'The repository is of a format version that this program does not know. Update it and try again.',
    );
  }
  if (!isId(id) || typeof polynomial !== 'string' || !/^[0-9a-f]{1,16}$/.test(polynomial)) {
    throw damagedRepository('The repository configuration is malformed.');
  }
  if (!isChunkerPolynomial(BigInt(`0x${polynomial}`)))
    throw damagedRepository('The repository configuration names a polynomial that cannot cut files.');
  return { version, id, chunkerPolynomial: polynomial };
}
