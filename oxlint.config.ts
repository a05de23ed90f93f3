import { fileURLToPath } from 'node:url';
import { defineConfig } from 'oxlint';
import { readsEnvironment } from './architecture.ts';

export default defineConfig({
  plugins: ['eslint', 'typescript', 'unicorn', 'oxc', 'import', 'promise', 'node', 'vitest'],
  jsPlugins: [fileURLToPath(new URL('scripts/architecture-plugin.ts', import.meta.url))],
  options: { typeAware: true, denyWarnings: true, reportUnusedDisableDirectives: 'error' },
  categories: { correctness: 'error', suspicious: 'error' },
  ignorePatterns: ['**/dist/**', '**/generated/**', '**/.venv/**'],
  rules: {
    // Ours: directions between packages and rooms, and names of files.
    'muster/architecture': 'error',
    'muster/file-name': 'error',

    // Types that mean something, all the way through.
    'typescript/no-explicit-any': 'error',
    'typescript/no-non-null-assertion': 'error',
    'typescript/no-unsafe-argument': 'error',
    'typescript/no-unsafe-assignment': 'error',
    'typescript/no-unsafe-call': 'error',
    'typescript/no-unsafe-member-access': 'error',
    'typescript/no-unsafe-return': 'error',
    // A codec or a schema narrows what it has just checked; `any` itself is caught by the rules above.
    'typescript/no-unsafe-type-assertion': 'off',
    'typescript/ban-ts-comment': ['error', { minimumDescriptionLength: 10 }],
    // A `default` says "all others" aloud; without one, every case must be there.
    'typescript/switch-exhaustiveness-check': [
      'error',
      { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: true },
    ],

    // Promises and errors that nobody hears of.
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/only-throw-error': 'error',
    'typescript/prefer-promise-reject-errors': 'error',

    // Off, each because it misreads a style of ours: an exhaustive switch returns in every case (tsc checks it),
    // fast-check is used as `fc`, Fastify awaits its handlers, a function stands next to its one caller, `then` may be for
    // its effect, an array of a known length is made at once, and `postMessage` goes to a worker, not to a window.
    'typescript/consistent-return': 'off',
    'import/no-named-as-default-member': 'off',
    'oxc/no-async-endpoint-handlers': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'promise/always-return': 'off',
    'unicorn/no-new-array': 'off',
    'unicorn/require-post-message-target-origin': 'off',

    'node/no-process-env': 'error',
    'import/no-cycle': 'error',
    eqeqeq: ['error', 'always', { null: 'ignore' }],
    'no-var': 'error',
    'prefer-const': 'error',
    'max-lines': ['error', { max: 400 }],

    // A property may hold in several ways, and then its test branches.
    'vitest/no-conditional-expect': 'off',
    // vitest's expect takes a message as its second argument.
    'vitest/valid-expect': ['error', { maxArgs: 2 }],
    // What holds after every test of a file is asserted once, in its hook.
    'vitest/no-standalone-expect': ['error', { additionalTestBlockFunctions: ['afterEach'] }],
    'vitest/expect-expect': ['error', { assertFunctionNames: ['expect', 'fc.assert', 'expect*'] }],
    'vitest/no-restricted-vi-methods': [
      'error',
      { mock: 'Pass a twin instead of mocking a module.', doMock: 'Pass a twin instead of mocking a module.' },
    ],
  },
  overrides: [{ files: [...readsEnvironment], rules: { 'node/no-process-env': 'off' } }],
});
