import { MusterError, type OnnxFacts, type Signature } from '@muster-ml/protocol';
import type { Caller, Identity } from '../src/identity/index.ts';
import type { RegistryParts } from '../src/registry/parts.ts';

/** A caller with roles in teams. */
export function callerIn(teams: Readonly<Record<string, readonly string[]>>, id = 'alice'): Caller {
  return { actor: { id, kind: 'person', name: id, teams, tokenId: `token-${id}` }, requestId: `request-${id}` };
}

/** Identity by the simplest rule: members see their teams, `reader` may not change anything. */
export const simpleIdentity: Pick<Identity, 'authorize' | 'visibleTeams'> = {
  authorize(caller, action, resource) {
    const roles = resource.team === undefined ? ['reader'] : (caller.actor.teams[resource.team] ?? []);
    if (action.endsWith('.read') || roles.some((role) => role !== 'reader')) return;
    throw new MusterError('not_allowed', `${action} needs a role`);
  },
  visibleTeams: (actor) => Object.keys(actor.teams),
};

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
