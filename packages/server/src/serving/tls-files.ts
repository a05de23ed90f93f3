import { readFileSync } from 'node:fs';
import type { SecureContextOptions } from 'node:tls';
import { MusterError } from '@muster-ml/protocol';
import type { Clock } from '../platform/clock/index.ts';
import type { ServingLog } from './serving-log.ts';

/** A certificate with its chain, and its key, as PEM files. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

const checkEveryMs = 5000;

/** Reads certificate and key. Throws `invalid_configuration` naming the file that cannot be read. */
export function readTlsFiles({
  certFile,
  keyFile,
}: TlsFiles): SecureContextOptions & { readonly cert: Buffer; readonly key: Buffer } {
  return { cert: readPem(certFile, 'tls.cert'), key: readPem(keyFile, 'tls.key'), minVersion: 'TLSv1.2' };
}

function readPem(path: string, place: string): Buffer {
  try {
    return readFileSync(path);
  } catch (thrown) {
    throw new MusterError('invalid_configuration', `${path} cannot be read`, { place, cause: thrown });
  }
}

/**
 * Looks at both files every few seconds (their content: Kubernetes swaps links, some tools keep times) and hands over a
 * pair that changed. A pair that cannot be read or used is logged and the last good one stays. The answer ends it.
 */
export function watchTlsFiles(
  files: TlsFiles,
  {
    clock,
    log,
    onChange,
  }: { readonly clock: Clock; readonly log: ServingLog; readonly onChange: (context: SecureContextOptions) => void },
): () => void {
  let last = fingerprint(files);
  let cancel = (): void => undefined;
  const check = (): void => {
    const now = fingerprint(files);
    if (now !== undefined && now !== last) {
      last = now;
      try {
        onChange(readTlsFiles(files));
        log.info({ certFile: files.certFile }, 'certificate reloaded');
      } catch (thrown) {
        log.error(
          { certFile: files.certFile, problem: thrown instanceof Error ? thrown.message : String(thrown) },
          'the new certificate cannot be used; the old one stays',
        );
      }
    }
    cancel = clock.after(checkEveryMs, check);
  };
  cancel = clock.after(checkEveryMs, check);
  return () => cancel();
}

function fingerprint(files: TlsFiles): string | undefined {
  try {
    return Buffer.concat([readFileSync(files.certFile), Buffer.of(0), readFileSync(files.keyFile)]).toString('latin1');
  } catch {
    return undefined;
  }
}
