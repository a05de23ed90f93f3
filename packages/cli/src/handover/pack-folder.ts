import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, readdir, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Pack, pack } from 'tar-stream';
import { UsageError } from '../usage-error.ts';

/** A folder as one tar file on this machine, until it is disposed of. */
export interface PackedFolder extends AsyncDisposable {
  readonly path: string;
  readonly fileCount: number;
}

interface FolderEntry {
  /** From the top of the folder, with forward slashes. */
  readonly name: string;
  readonly path: string;
  /** Undefined for a folder. */
  readonly sizeBytes: number | undefined;
}

/** What lies about in folders and belongs to no model. */
const ignored = new Set(['__pycache__', '.git', '.DS_Store', '.ipynb_checkpoints', '.venv', 'node_modules']);

const maxFiles = 20_000;
/** What servers take by default. More is refused by them; much more is a mistake that is told before it is packed. */
const maxBytes = 100 * 2 ** 30;

/**
 * Packs a folder as a tar file that depends on its content alone, so that the same content has the same digest: sorted, with
 * neither times nor owners. Links that stay within the folder are followed. Throws `UsageError` for what cannot be packed.
 */
export async function packFolder(
  folder: string,
  onProgress: (packedBytes: number, sizeBytes: number) => void,
  signal: AbortSignal,
): Promise<PackedFolder> {
  const entries = await entriesOf(folder);
  const files = entries.filter(({ sizeBytes }) => sizeBytes !== undefined);
  if (files.length === 0) throw new UsageError(`${folder} holds no files`, 'Name the folder of the model.', folder);
  const sizeBytes = files.reduce((sum, file) => sum + (file.sizeBytes ?? 0), 0);
  if (sizeBytes > maxBytes)
    throw new UsageError(
      `${folder} holds ${Math.round(sizeBytes / 2 ** 30)} GiB`,
      'Name the folder of the model alone.',
      folder,
    );
  const temporary = await mkdtemp(join(tmpdir(), 'muster-pack-'));
  const remove = async (): Promise<void> => await rm(temporary, { recursive: true, force: true });
  try {
    const path = join(temporary, 'folder.tar');
    const packing = pack();
    // Each of the two waits for the other, so that the failure of one must end both.
    const failing = new AbortController();
    const either = AbortSignal.any([signal, failing.signal]);
    const fail = (error: unknown): never => {
      failing.abort(error);
      throw error;
    };
    let packed = 0;
    const written = pipeline(packing, createWriteStream(path, { mode: 0o600 }), { signal: either }).catch(fail);
    const added = addAll(packing, entries, (bytes) => onProgress((packed += bytes), sizeBytes), either).catch(fail);
    const [adding, writing] = await Promise.allSettled([added, written]);
    signal.throwIfAborted();
    if (failing.signal.aborted) throw failing.signal.reason;
    if (adding.status === 'rejected') throw adding.reason;
    if (writing.status === 'rejected') throw writing.reason;
    return { path, fileCount: files.length, [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function addAll(
  packing: Pack,
  entries: readonly FolderEntry[],
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const common = { mtime: new Date(0), uid: 0, gid: 0, uname: '', gname: '' };
  for (const { name, path, sizeBytes } of entries) {
    if (sizeBytes === undefined) {
      packing.entry({ ...common, name: `${name}/`, type: 'directory', mode: 0o755, size: 0 });
      continue;
    }
    const sink = packing.entry({ ...common, name, type: 'file', mode: 0o644, size: sizeBytes });
    // What goes wrong is told by the stream as a whole.
    sink.on('error', () => {});
    // The size is announced before the content: a file that grows meanwhile is cut, one that shrinks is refused.
    let read = 0;
    if (sizeBytes > 0) {
      for await (const chunk of createReadStream(path, { end: sizeBytes - 1 }) as AsyncIterable<Buffer>) {
        read += chunk.length;
        onBytes(chunk.length);
        if (!sink.write(chunk)) await once(sink, 'drain', { signal });
      }
    }
    sink.end(null);
    if (read < sizeBytes)
      throw new UsageError(
        `${path} became shorter while it was read`,
        'Wait until it is written, then try again.',
        path,
      );
  }
  packing.finalize();
}

/** All files and folders, sorted by name as bytes, which is the same everywhere. */
async function entriesOf(folder: string): Promise<FolderEntry[]> {
  const top = await realpath(folder);
  const found: FolderEntry[] = [];
  await walk(top, top, found, new Set([top]));
  return found.toSorted((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
}

async function walk(top: string, folder: string, found: FolderEntry[], above: ReadonlySet<string>): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (ignored.has(entry.name)) continue;
    const path = join(folder, entry.name);
    const name = relative(top, path).split(sep).join('/');
    const kind = entry.isSymbolicLink() ? await kindOfLink(top, path, name) : kindOf(entry);
    if (kind === 'folder') {
      const real = await realpath(path);
      if (above.has(real)) throw new UsageError(`${name} links to a folder that it is in`, 'Remove the link.', path);
      found.push({ name, path, sizeBytes: undefined });
      await walk(top, path, found, new Set([...above, real]));
    } else if (kind === 'file') {
      found.push({ name, path, sizeBytes: (await stat(path)).size });
    } else {
      throw new UsageError(`${name} is neither a file nor a folder`, 'Remove it from the folder.', path);
    }
    if (found.length > maxFiles)
      throw new UsageError(
        `${top} holds more than ${maxFiles.toLocaleString('en-GB')} files`,
        'Name the folder of the model alone.',
        top,
      );
  }
}

type Kind = 'file' | 'folder' | 'other';

function kindOf(entry: { isFile(): boolean; isDirectory(): boolean }): Kind {
  if (entry.isFile()) return 'file';
  return entry.isDirectory() ? 'folder' : 'other';
}

async function kindOfLink(top: string, path: string, name: string): Promise<Kind> {
  const target = await realpath(path).catch(() => undefined);
  if (target === undefined) throw new UsageError(`${name} is a link to nothing`, 'Remove it from the folder.', path);
  if (target !== top && !target.startsWith(top + sep))
    throw new UsageError(`${name} is a link out of the folder`, 'Put a copy of what it links to in its place.', path);
  return kindOf(await stat(path));
}
