import { codes } from './kind.ts';

/** Codes of the plumbing: requests, configuration, storage, processes. */
export const platformCodes = codes({
  invalid_request: {
    kind: 'invalid',
    title: 'The request is not valid',
    remedy: 'Correct the field that is named and send it again.',
  },
  invalid_json: {
    kind: 'invalid',
    title: 'The body is not valid JSON',
    remedy: 'Send one JSON document; the position of the first fault is named.',
  },
  host_not_allowed: {
    kind: 'forbidden',
    title: 'The request was meant for another host',
    remedy: 'Use localhost or an address of this machine, or add the name to gateway.allowedHosts.',
  },
  too_many_attempts: {
    kind: 'exhausted',
    title: 'Too many unknown tokens came from this address',
    remedy: 'Wait as Retry-After says, and correct the token; a valid one is answered at once.',
  },
  body_too_large: {
    kind: 'too_large',
    title: 'The body is too large',
    remedy: 'Send less at once, or raise the limit that is named.',
  },
  route_not_found: {
    kind: 'not_found',
    title: 'There is no such route',
    remedy: 'See /api/openapi.json for the routes that exist.',
  },
  method_not_allowed: {
    kind: 'invalid',
    title: 'The method is not allowed here',
    remedy: 'Use one of the methods in the Allow header.',
  },
  unsupported_media_type: {
    kind: 'invalid',
    title: 'The media type is not supported',
    remedy: 'Send a type or encoding that the Accept headers of the answer name.',
  },
  stale_revision: {
    kind: 'failed_precondition',
    title: 'It was changed by somebody else meanwhile',
    remedy: 'Read it again and repeat the change with the new ETag.',
  },
  idempotency_conflict: {
    kind: 'conflict',
    title: 'The idempotency key was used for another request',
    remedy: 'Use a new Idempotency-Key for a new request.',
  },
  operation_not_found: {
    kind: 'not_found',
    title: 'There is no such operation',
    remedy: 'Check the identifier; finished operations are kept for 30 days.',
  },
  operation_interrupted: { kind: 'unavailable', title: 'The work was interrupted', remedy: 'Start it again.' },
  operation_cancelled: {
    kind: 'conflict',
    title: 'The work was cancelled',
    remedy: 'Start it again when it is wanted.',
  },
  invalid_configuration: {
    kind: 'invalid',
    title: 'The configuration is not valid',
    remedy: 'Correct the setting that is named.',
  },
  port_taken: {
    kind: 'conflict',
    title: 'The port is taken',
    remedy: 'Choose another one with --port, or stop the program that uses it.',
  },
  data_dir_in_use: {
    kind: 'conflict',
    title: 'Another Muster runs on this data directory',
    remedy: 'Stop it first, or choose another directory with --data-dir.',
  },
  disk_full: {
    kind: 'unavailable',
    title: 'The disk is full',
    remedy: 'Free space on the volume that is named; nothing acknowledged was lost.',
  },
  storage_unavailable: {
    kind: 'unavailable',
    title: 'The storage does not answer',
    remedy: 'Check the database and the object store; see muster doctor.',
  },
  schema_mismatch: {
    kind: 'failed_precondition',
    title: 'The database has another schema',
    remedy: 'Run the version of Muster that wrote it, or a newer one.',
  },
  unique_violation: { kind: 'conflict', title: 'It exists already', remedy: 'Choose another name.' },
  reference_violation: {
    kind: 'conflict',
    title: 'Something that it refers to is gone',
    remedy: 'Read it again and repeat the change.',
  },
  control_unavailable: {
    kind: 'unavailable',
    title: 'The control plane does not answer',
    remedy: 'Predictions go on; try again in a moment, and see muster status.',
  },
  server_unreachable: {
    kind: 'unavailable',
    title: 'The server cannot be reached',
    remedy: 'Start it with muster up, or name the right address with --server.',
  },
  program_failed: { kind: 'internal', title: 'A helper program failed', remedy: 'See the log for what it printed.' },
  link_violation: {
    kind: 'internal',
    title: 'The other side of a runtime link broke its rules',
    remedy: 'Update Muster and its runtimes to the same version; see the log of the runner.',
  },
  link_lost: {
    kind: 'unavailable',
    title: 'The link to a runner was lost',
    remedy: 'Try again in a moment; the runner is being restarted.',
  },
  replica_not_loaded: {
    kind: 'unavailable',
    title: 'The runner does not hold this replica',
    remedy: 'Try again in a moment; it is being loaded or was replaced.',
  },
  internal_error: {
    kind: 'internal',
    title: 'Something went wrong inside Muster',
    remedy: 'Look for the request id in the log and report it.',
  },
});
