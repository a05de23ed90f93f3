import { MusterError } from '@muster-ml/protocol';
import { createColors } from 'picocolors';
import { expect, test } from 'vitest';
import { exitCodeOf } from '../exit-code.ts';
import { Interrupted } from '../interrupted.ts';
import { UsageError } from '../usage-error.ts';
import { errorJson, errorText, shownError } from './error-text.ts';

const terminal = {
  paintNotes: createColors(false),
  symbols: { done: '✓', failed: '✗', warning: '▲', ellipsis: '…', arrow: '→', dot: '·', spinner: [] },
};

test('an error says what happened, where, what to do, and how it is found in the log', () => {
  const error = new MusterError('signature_breaks_callers', 'fraud:8 would break the callers of fraud', {
    place: 'body.version',
    details: { differences: [{ part: 'input', name: 'country', change: 'is new and required' }] },
    requestId: 'r-1',
  });
  expect(errorText(shownError(error), terminal).split('\n')).toEqual([
    'error: The version would break the callers of this endpoint',
    '  fraud:8 would break the callers of fraud',
    '  · input country is new and required',
    '  at body.version',
    `  → ${error.remedy}`,
    '  signature_breaks_callers · request r-1',
  ]);
});

test('as JSON it is one line', () => {
  const shown = shownError(new UsageError('shares carry a percent sign', 'Write `10%`.', '--canary'));
  expect(JSON.parse(errorJson(shown))).toEqual({
    code: 'usage',
    title: 'shares carry a percent sign',
    detail: 'shares carry a percent sign',
    remedy: 'Write `10%`.',
    place: '--canary',
  });
});

test('what a hostile server says cannot steer the terminal', () => {
  const error = new MusterError('invalid_request', 'a\u001b]0;owned\u0007b');
  expect(errorText(shownError(error), terminal)).toContain('\n  ab\n');
});

test.each([
  [new UsageError('x', 'y'), 64],
  [new Interrupted(), 130],
  [new MusterError('token_missing', 'x'), 4],
  [new MusterError('not_allowed', 'x'), 5],
  [new MusterError('endpoint_not_found', 'x'), 6],
  [new MusterError('endpoint_exists', 'x'), 7],
  [new MusterError('server_unreachable', 'x'), 9],
  [new MusterError('deployment_failed', 'x'), 1],
  [new Error('x'), 1],
])('%s is exit code %i', (error, code) => {
  expect(exitCodeOf(error)).toBe(code);
});
