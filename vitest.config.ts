import { defineConfig } from 'vitest/config';

const CONDITION = 'muster-source';

/** Workspaces are tested as sources: in the test's own process and in every Node process that it forks. */
const fromSources = {
  resolve: { conditions: [CONDITION, 'node'] },
  ssr: { resolve: { conditions: [CONDITION, 'node'], externalConditions: [CONDITION] } },
};

export default defineConfig({
  test: {
    reporters: ['default', './scripts/final-line-reporter.ts'],
    maxWorkers: 2,
    teardownTimeout: 30_000,
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**/*.ts'],
      exclude: ['**/*.test.ts', '**/generated/**'],
    },
    projects: [
      {
        ...fromSources,
        test: {
          name: 'packages',
          include: ['packages/**/*.test.ts', 'scripts/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**'],
          pool: 'forks',
          execArgv: [`--conditions=${CONDITION}`],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        ...fromSources,
        test: {
          name: 'e2e',
          include: ['e2e/**/*.test.ts'],
          pool: 'forks',
          // Each test starts whole systems, which would only slow each other down on a small machine.
          fileParallelism: false,
          execArgv: [`--conditions=${CONDITION}`],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
