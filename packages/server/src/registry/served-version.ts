import type { Signature } from '@muster-ml/protocol';

/** What serving needs of a version; the rest of a version is nobody's business there. */
export interface ServedVersion {
  readonly model: string;
  readonly number: number;
  readonly team: string;
  readonly runtime: 'onnx';
  readonly digest: string;
  readonly sizeBytes: number;
  readonly signature: Signature;
  readonly sampleDigest: string | null;
}
