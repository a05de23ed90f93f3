import { codes } from './kind.ts';

/** Codes of runners: the processes that hold replicas. */
export const runnerCodes = codes({
  runner_crashed: {
    kind: 'unavailable',
    title: 'The runner ended',
    remedy: 'It is started again; muster endpoint logs shows what it said.',
  },
  runner_hung: {
    kind: 'unavailable',
    title: 'The runner did not answer',
    remedy: 'It was ended and is started again; send smaller batches, or raise runners.hangMs.',
  },
  memory_exceeded: {
    kind: 'exhausted',
    title: 'The runner took more memory than it may',
    remedy: 'It was ended and is started again; raise resources.memoryBytes, or send smaller batches.',
  },
  load_crashed: {
    kind: 'failed_precondition',
    title: 'The model ends its runner while it loads',
    remedy: 'Export it again, or with a newer library; muster endpoint logs shows what the runner said.',
  },
  limit_not_enforceable: {
    kind: 'failed_precondition',
    title: 'This machine cannot enforce the limit',
    remedy: 'Change the limit that is named, or leave it out.',
  },
  isolation_unavailable: {
    kind: 'failed_precondition',
    title: 'Runners cannot be isolated as wished',
    remedy: 'Install bubblewrap, or set runners.isolation to auto.',
  },
});
