import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

/** What a result depends on besides the code. Nothing in it tells whose machine it was. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly onnxruntime: string;
}

export function describeMachine(): Machine {
  const runtime = JSON.parse(
    readFileSync(fileURLToPath(import.meta.resolve('onnxruntime-node/package.json')), 'utf8'),
  ) as { readonly version: string };
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    system: `${process.platform} ${release().split('-')[0] ?? ''} ${arch()}`,
    node: process.versions.node,
    onnxruntime: runtime.version,
  };
}
