import type { EnvironmentSpec, PythonFormat, Runtime, Signature } from '@muster-ml/protocol';

/** What serving needs of a version; the rest of a version is nobody's business there. */
export interface ServedVersion {
  readonly model: string;
  readonly number: number;
  readonly team: string;
  readonly runtime: Runtime;
  readonly digest: string;
  readonly sizeBytes: number;
  readonly signature: Signature;
  readonly sampleDigest: string | null;
  /** Of a version that Python runs. */
  readonly python?: ServedPython | undefined;
}

export interface ServedPython {
  readonly format: PythonFormat;
  /** The inputs are the columns of a table, or one matrix with named features. */
  readonly isTable: boolean;
  readonly environment: EnvironmentSpec;
}
