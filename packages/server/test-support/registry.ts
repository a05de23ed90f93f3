import { MusterError, type OnnxFacts, type Role, type Signature } from '@muster-ml/protocol';
import type { Caller } from '../src/identity/index.ts';
import type { RegistryParts } from '../src/registry/parts.ts';
import { callerWith } from './identity.ts';

/** Roles of somebody who makes things in a team and runs them. */
export const maker: readonly Role[] = ['data-scientist', 'operator'];

/** A caller with roles in teams. */
export function callerIn(teams: Readonly<Record<string, readonly Role[]>>, id = 'alice'): Caller {
  return callerWith({ id, teams });
}

/** What a made-up inspection finds: a classifier of two columns and three classes. */
export const inspected: { readonly signature: Signature; readonly facts: OnnxFacts } = {
  signature: {
    inputs: [{ name: 'X', datatype: 'FP32', shape: [-1, 2] }],
    outputs: [{ name: 'probabilities', datatype: 'FP32', shape: [-1, 3] }],
  },
  facts: {
    format: 'onnx',
    sizeBytes: 5,
    producer: 'skl2onnx',
    irVersion: 10,
    opsets: { '': 17 },
    operators: { Gemm: 1 },
    parameterCount: 6,
    metadata: {},
    adaptations: [],
  },
};

/** A machine without Python. */
export const noPython: Pick<RegistryParts, 'python' | 'makeEnvironment' | 'refuseUncagedPython'> = {
  python: {
    look: async () => await Promise.reject(new MusterError('inspection_failed', 'no Python here')),
    prove: async () => await Promise.reject(new MusterError('model_unloadable', 'no Python here')),
  },
  makeEnvironment: async () => await Promise.reject(new MusterError('python_not_found', 'no Python here')),
  refuseUncagedPython: async () => await Promise.resolve(),
};
