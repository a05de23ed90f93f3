import { codes } from './kind.ts';

/** Codes of predictions: what a caller of an endpoint can meet. */
export const inferenceCodes = codes({
  endpoint_not_found: {
    kind: 'not_found',
    title: 'There is no such endpoint',
    remedy: 'Check the name; muster endpoint list shows those that exist.',
  },
  version_not_deployed: {
    kind: 'not_found',
    title: 'This version is not deployed here',
    remedy: 'Leave the version out, or name one that is live, canary or shadow.',
  },
  endpoint_not_ready: {
    kind: 'unavailable',
    title: 'The endpoint is not ready',
    remedy: 'Try again in a moment; muster status says what it waits for.',
  },
  queue_full: {
    kind: 'exhausted',
    title: 'Too many requests wait',
    remedy: 'Send them again after the time in Retry-After, or add capacity.',
  },
  rate_limited: {
    kind: 'exhausted',
    title: 'You call this endpoint too often',
    remedy: 'Send it again after the time in Retry-After, or ask whoever set your access for a higher rate.',
  },
  quota_exceeded: {
    kind: 'exhausted',
    title: 'Your calls of this day are used up',
    remedy: 'Go on after midnight UTC (Retry-After), or ask whoever set your access for more.',
  },
  deadline_passed: {
    kind: 'deadline_exceeded',
    title: 'The deadline passed',
    remedy: 'Allow more time, or send smaller batches.',
  },
  request_cancelled: { kind: 'deadline_exceeded', title: 'The caller went away', remedy: 'Nothing to do.' },
  model_crashed: {
    kind: 'internal',
    title: 'The model crashed on this request',
    remedy: 'Do not repeat this request; look at the rows it carries and at the log of the endpoint.',
  },
  model_failed: {
    kind: 'internal',
    title: 'The model failed on this request',
    remedy: 'Look at the values that were sent and at the log of the endpoint.',
  },
  invalid_inference_request: {
    kind: 'invalid',
    title: 'The inference request is not valid',
    remedy: 'Compare it with the metadata of the endpoint.',
  },
  unknown_input: {
    kind: 'invalid',
    title: 'The model has no such input',
    remedy: 'Send the inputs that the metadata names.',
  },
  missing_input: { kind: 'invalid', title: 'An input is missing', remedy: 'Send every input that the metadata names.' },
  duplicate_input: { kind: 'invalid', title: 'An input was sent twice', remedy: 'Send each input once.' },
  unknown_output: {
    kind: 'invalid',
    title: 'The model has no such output',
    remedy: 'Ask for outputs that the metadata names, or for none to get all.',
  },
  invalid_datatype: {
    kind: 'invalid',
    title: 'The datatype does not fit',
    remedy: 'Send the datatype that the metadata names.',
  },
  invalid_shape: {
    kind: 'invalid',
    title: 'The shape does not fit',
    remedy: 'Send a shape that the metadata allows (-1 stands for any size).',
  },
  invalid_data: {
    kind: 'invalid',
    title: 'The data do not fit',
    remedy: 'Send as many values as the shape says, each in the range of its datatype.',
  },
  invalid_binary_data: {
    kind: 'invalid',
    title: 'The binary tensor data do not fit',
    remedy: 'Check Inference-Header-Content-Length and each binary_data_size.',
  },
  output_not_text: {
    kind: 'invalid',
    title: 'An output cannot be written as JSON text',
    remedy: 'Ask for binary output (binary_data: true).',
  },
  invalid_rows: {
    kind: 'invalid',
    title: 'The rows do not fit',
    remedy: 'GET the same address to see the fields, their types and an example.',
  },
  invalid_csv: {
    kind: 'invalid',
    title: 'The CSV does not fit',
    remedy: 'The first line names the columns; GET the same address to see them.',
  },
  body_too_slow: {
    kind: 'deadline_exceeded',
    title: 'The body did not arrive in time',
    remedy: 'Send the body without pauses, or send less at once.',
  },
  not_offered: {
    kind: 'unimplemented',
    title: 'This is not offered',
    remedy: 'See GET /v2 for the extensions that work.',
  },
});
