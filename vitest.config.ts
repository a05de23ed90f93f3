import { defineConfig } from 'vitest/config';

const CONDITION = 'muster-source';

/** Workspaces are tested as sources: in the test's own process and in every Node process that it forks. */
const fromSources = {
  resolve: { conditions: [CONDITION, 'node'] },
  ssr: { resolve: { conditions: [CONDITION, 'node'], externalConditions: [CONDITION] } },
};

const wholeSystems = {
  pool: 'forks' as const,
  execArgv: [`--conditions=${CONDITION}`],
  testTimeout: 120_000,
  hookTimeout: 120_000,
};

/**
 * Tests of whole systems that mostly wait, for pip, for npm, for one command after the other, and measure no time: two of
 * them share a small machine well.
 */
const inPairs = [
  'e2e/audit.test.ts',
  'e2e/history.test.ts',
  'e2e/mlflow-server.test.ts',
  'e2e/observed.test.ts',
  'e2e/oip-clients.test.ts',
  'e2e/packages.test.ts',
  'e2e/python-client.test.ts',
  'e2e/python-models.test.ts',
  'e2e/secrets.test.ts',
  'e2e/stories/i-want-ml.test.ts',
  'e2e/stories/stories.test.ts',
  'e2e/upgrade.test.ts',
];

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
          ...wholeSystems,
          name: 'e2e',
          include: ['e2e/**/*.test.ts'],
          exclude: [...inPairs, '**/node_modules/**'],
          // Each test starts whole systems, which would only slow each other down on a small machine.
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        ...fromSources,
        test: { ...wholeSystems, name: 'e2e in pairs', include: inPairs, maxWorkers: 2, sequence: { groupOrder: 2 } },
      },
    ],
  },
});
