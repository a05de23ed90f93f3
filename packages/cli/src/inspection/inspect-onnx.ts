import { type OnnxFacts, type Signature, onnxFactsSchema, signatureSchema } from '@muster-ml/protocol';
import type { Surroundings } from '../surroundings.ts';
import { askProgram } from './ask-program.ts';
import { onnxInspectionProgram } from './program-paths.ts';

/** What is known of an ONNX file. */
export interface InspectedOnnx {
  readonly signature: Signature;
  readonly facts: OnnxFacts;
}

const limits = { timeoutMs: 120_000 };

/** Reads an ONNX file and proves that the runtime loads it, in a child. Throws what is wrong with the file. */
export async function inspectOnnx(surroundings: Surroundings, path: string): Promise<InspectedOnnx> {
  const program = onnxInspectionProgram();
  const nodeFlags = program.endsWith('.ts') ? ['--conditions=muster-source'] : [];
  const said = await askProgram(surroundings, process.execPath, [...nodeFlags, program], path, limits);
  return { signature: signatureSchema.parse(said['signature']), facts: onnxFactsSchema.parse(said['facts']) };
}
