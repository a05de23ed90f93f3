import { MusterError } from '@muster-ml/protocol';

/**
 * The SHA-256 (hexadecimal) in a `Content-Digest` header (RFC 9530), such as `sha-256=:…base64…:`; undefined where there
 * is none. Other algorithms beside it are not looked at. Throws `invalid_request` for one that is malformed.
 */
export function readContentDigest(header: string | undefined): string | undefined {
  const member = header?.split(',').find((part) => /^\s*sha-256=/i.test(part));
  if (member === undefined) return undefined;
  const base64 = /^\s*sha-256=:([A-Za-z0-9+/]{43}=):\s*$/i.exec(member)?.[1];
  if (base64 === undefined) {
    throw new MusterError('invalid_request', 'the header is not “sha-256=:base64:”', {
      place: 'header Content-Digest',
    });
  }
  return Buffer.from(base64, 'base64').toString('hex');
}
