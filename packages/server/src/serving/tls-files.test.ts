import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { certificates } from '../../test-support/certificates.ts';
import { silentLog } from '../../test-support/serving-twins.ts';
import { readTlsFiles, watchTlsFiles } from './tls-files.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-tls-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function put(name: keyof typeof certificates): { readonly certFile: string; readonly keyFile: string } {
  const files = { certFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key') };
  writeFileSync(files.certFile, certificates[name].cert);
  writeFileSync(files.keyFile, certificates[name].key);
  return files;
}

/** A clock that is moved by hand. */
function aClock(): { now(): number; after(delayMs: number, callback: () => void): () => void; tick(): void } {
  let due: (() => void) | undefined;
  return {
    now: () => 0,
    after: (_, callback) => {
      due = callback;
      return () => (due = undefined);
    },
    tick: () => due?.(),
  };
}

async function nameShown(port: number): Promise<string> {
  return await new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

describe('the certificate', () => {
  test('is exchanged while the server runs; a broken one is not', async () => {
    const files = put('first');
    const clock = aClock();
    const server = createServer(readTlsFiles(files));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const stop = watchTlsFiles(files, {
      clock,
      log: silentLog,
      onChange: (context) => server.setSecureContext(context),
    });
    expect(await nameShown(port)).toBe('first.test');
    put('second');
    clock.tick();
    expect(await nameShown(port)).toBe('second.test');
    writeFileSync(files.certFile, 'nonsense');
    clock.tick();
    expect(await nameShown(port)).toBe('second.test');
    rmSync(files.keyFile);
    clock.tick();
    put('first');
    clock.tick();
    expect(await nameShown(port)).toBe('first.test');
    stop();
    server.close();
  });

  test('that cannot be read is named', () => {
    expect(() => readTlsFiles({ certFile: join(folder, 'none'), keyFile: join(folder, 'none') })).toThrow(
      /none cannot be read/,
    );
  });
});
