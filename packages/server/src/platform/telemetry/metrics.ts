import { Registry, collectDefaultMetrics } from 'prom-client';

/**
 * A registry of Prometheus metrics of one process, with those of Node (memory, event loop, garbage collection) in it.
 * Never the library's global one: several may live in a process.
 */
export function createMetrics(role: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ process: role });
  collectDefaultMetrics({ register: registry });
  return registry;
}
