import { promisify } from 'node:util';
import { constants, deflate, gzip, inflate, inflateRaw, unzip } from 'node:zlib';
import { MusterError } from '@muster-ml/protocol';

/** The codings that bodies may have; never br or zstd, which not every client that offers them can read. */
export type ContentCoding = 'gzip' | 'deflate';

/** A body grows at most by this factor when it is inflated (the limit of DEFLATE). */
export const maxInflation = 1032;

const unzipAsync = promisify(unzip);
const inflateAsync = promisify(inflate);
const inflateRawAsync = promisify(inflateRaw);
const gzipAsync = promisify(gzip);
const deflateAsync = promisify(deflate);

/** The coding of a request's body; undefined: none. Throws `unsupported_media_type`. */
export function contentCodingOf(header: string | undefined): ContentCoding | undefined {
  switch (header?.trim().toLowerCase()) {
    case undefined:
    case '':
    case 'identity':
      return undefined;
    case 'gzip':
    case 'x-gzip':
      return 'gzip';
    case 'deflate':
      return 'deflate';
    default:
      throw new MusterError('unsupported_media_type', 'bodies may be encoded with gzip or deflate', {
        place: 'Content-Encoding',
        details: { acceptEncoding: 'gzip, deflate' },
      });
  }
}

/**
 * Inflates a body, at most to `maxBytes`: inflating stops there, so a bomb costs no more than that.
 * Throws `body_too_large`, `invalid_request`.
 */
export async function inflateBody(body: Uint8Array, coding: ContentCoding, maxBytes: number): Promise<Uint8Array> {
  const options = { maxOutputLength: maxBytes };
  try {
    if (coding === 'gzip') return await unzipAsync(body, options);
    // Some clients send raw DEFLATE under this name, without the two bytes of zlib's header.
    const isZlib = ((body[0] ?? 0) & 0x0f) === 8 && (((body[0] ?? 0) << 8) | (body[1] ?? 0)) % 31 === 0;
    return await (isZlib ? inflateAsync(body, options) : inflateRawAsync(body, options));
  } catch (error) {
    if (error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') {
      throw new MusterError('body_too_large', `the inflated body is larger than ${maxBytes} bytes`, { cause: error });
    }
    throw new MusterError('invalid_request', `the body is not valid ${coding}`, { place: 'body', cause: error });
  }
}

/** Compresses an answer, fast rather than small: it is made per request. */
export async function compressBody(body: Uint8Array, coding: ContentCoding): Promise<Uint8Array> {
  const options = { level: constants.Z_BEST_SPEED };
  return coding === 'gzip' ? gzipAsync(body, options) : deflateAsync(body, options);
}

/** The coding to answer with, by the weights of an `Accept-Encoding` header; undefined: none. */
export function preferredCoding(header: string | undefined): ContentCoding | undefined {
  if (header === undefined || header === '') return undefined;
  const weights = { gzip: -1, deflate: -1, identity: -1 };
  let other = -1;
  for (const part of header.toLowerCase().split(',')) {
    const [name = '', ...parameters] = part.split(';').map((piece) => piece.trim());
    const quality = parameters.find((parameter) => parameter.startsWith('q='));
    const weight = quality === undefined ? 1 : Number(quality.slice(2));
    if (!(weight >= 0 && weight <= 1)) continue;
    if (name === '*') other = weight;
    else if (name === 'gzip' || name === 'x-gzip') weights.gzip = weight;
    else if (name === 'deflate' || name === 'identity') weights[name] = weight;
  }
  const gzipWeight = weights.gzip < 0 ? other : weights.gzip;
  const deflateWeight = weights.deflate < 0 ? other : weights.deflate;
  const best = Math.max(gzipWeight, deflateWeight);
  if (best <= 0 || weights.identity > best) return undefined;
  return gzipWeight >= deflateWeight ? 'gzip' : 'deflate';
}
