import type { DrillHold } from './contract.ts';

/** Endpoints that a drill works on now, of this process: what they serve for its time is not what they are. */
export function createDrillHold(): DrillHold & { readonly isHeld: (endpointId: string) => boolean } {
  const held = new Set<string>();
  return {
    hold(endpointId, busy) {
      if (held.has(endpointId)) throw busy();
      held.add(endpointId);
    },
    release: (endpointId) => void held.delete(endpointId),
    isHeld: (endpointId) => held.has(endpointId),
  };
}
