import { readState, stateFolder, writeState } from './state-folder.ts';
import type { Surroundings } from '../surroundings.ts';

const fileName = 'uploads.json';
/** Most uploads that are remembered; servers drop unfinished ones after a day. */
const most = 50;

interface Remembered {
  readonly server: string;
  readonly sha256: string;
  readonly upload: string;
}

/** Uploads that were begun, by server and digest, so that the same command goes on where it was interrupted. */
export interface UnfinishedUploads {
  find(server: string, sha256: string): string | undefined;
  remember(server: string, sha256: string, upload: string): void;
  forget(server: string, sha256: string): void;
}

export function createUnfinishedUploads(surroundings: Pick<Surroundings, 'env' | 'homeDirectory'>): UnfinishedUploads {
  const folder = stateFolder(surroundings);
  const read = (): Remembered[] => {
    const content = readState(folder, fileName);
    return Array.isArray(content) ? content.filter(isRemembered) : [];
  };
  const others = (server: string, sha256: string): Remembered[] =>
    read().filter((one) => one.server !== server || one.sha256 !== sha256);
  return {
    find: (server, sha256) => read().find((one) => one.server === server && one.sha256 === sha256)?.upload,
    remember: (server, sha256, upload) =>
      writeState(folder, fileName, [{ server, sha256, upload }, ...others(server, sha256)].slice(0, most)),
    forget: (server, sha256) => writeState(folder, fileName, others(server, sha256)),
  };
}

function isRemembered(value: unknown): value is Remembered {
  if (typeof value !== 'object' || value === null) return false;
  const { server, sha256, upload } = value as Record<string, unknown>;
  return typeof server === 'string' && typeof sha256 === 'string' && typeof upload === 'string';
}
