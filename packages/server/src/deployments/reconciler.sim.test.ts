import { describe, expect, it } from 'vitest';
import { SimulatedWorld } from '../../test-support/deployments/simulated-world.ts';

/** `SEED=17 npx vitest run packages/server/src/deployments/reconciler.sim.test.ts` repeats one history. */
const given = process.env['SEED'];
const seeds = given === undefined ? Array.from({ length: 1000 }, (_, index) => index + 1) : [Number(given)];
const stepsWithFaults = 60;
const stepsToConverge = 600;

describe('the reconciler, over seeded histories of crashes, slow starts, failing loads and changed wishes', () => {
  it('keeps every rule at every step, and converges once the faults end', { timeout: 300_000 }, async () => {
    const failures: string[] = [];
    for (const seed of seeds) {
      const failure = await live(seed);
      if (failure !== undefined) failures.push(`SEED=${seed}: ${failure}`);
      if (failures.length >= 3) break;
    }
    expect(failures).toEqual([]);
  });
});

/** Lives through one history; answers what was wrong with it. */
async function live(seed: number): Promise<string | undefined> {
  const world = new SimulatedWorld(seed);
  try {
    for (let step = 0; step < stepsWithFaults; step++) await world.step();
    world.faults = false;
    for (let step = 0; step < stepsToConverge; step++) {
      await world.step();
      if (step % 5 === 0 && world.differences().length === 0) return world.historyErrors()[0];
    }
    return `did not converge: ${world.differences().join('; ')}`;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}
