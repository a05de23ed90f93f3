import { closeSync, constants, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';

/** A file that grows at its end. What is behind the size that it is opened with was never committed, and goes. */
export class AppendFile {
  readonly #file: number;
  #size: number;

  constructor(path: string, size: number) {
    this.#file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    ftruncateSync(this.#file, size);
    this.#size = size;
  }

  get sizeBytes(): number {
    return this.#size;
  }

  append(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const written = writeSync(this.#file, bytes, at, bytes.length - at, this.#size);
      at += written;
      this.#size += written;
    }
  }

  /** Everything that was appended is on disk afterwards. */
  sync(): void {
    fsyncSync(this.#file);
  }

  close(): void {
    closeSync(this.#file);
  }
}
