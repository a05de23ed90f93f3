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
  scratch_exceeded: {
    kind: 'exhausted',
    title: 'The runner wrote more than it may',
    remedy: 'It was ended and is started again; the model must not keep files of this size.',
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
  sample_differs: {
    kind: 'failed_precondition',
    title: 'The model does not answer its sample as it did where it was made',
    remedy:
      'Hand it over with the versions of its libraries that it was made with, or with a sample of what it answers now.',
  },
  model_unloadable: {
    kind: 'failed_precondition',
    title: 'The model cannot be loaded',
    remedy: 'See the detail: what is missing belongs into its requirements; a model that fails at home fails here too.',
  },
  python_not_found: {
    kind: 'failed_precondition',
    title: 'There is no such Python on this machine',
    remedy: 'Install that version, or name its interpreter in python.interpreters.',
  },
  environment_unresolvable: {
    kind: 'failed_precondition',
    title: 'The requirements cannot be met together',
    remedy: 'Change the requirement that is named, or another version of Python.',
  },
  environment_failed: {
    kind: 'failed_precondition',
    title: 'The environment could not be made',
    remedy:
      'See the detail for the package and the reason; python.indexes and python.wheelFolders say where packages come from.',
  },
  environment_too_large: {
    kind: 'too_large',
    title: 'The environment is larger than allowed',
    remedy: 'Leave out what the model does not need, or raise python.maxEnvironmentBytes.',
  },
  isolation_too_weak: {
    kind: 'failed_precondition',
    title: 'Python models need a cage where several people have tokens',
    remedy: 'Install bubblewrap, or allow namespaces; muster doctor shows how.',
  },
  isolation_unavailable: {
    kind: 'failed_precondition',
    title: 'Runners cannot be isolated as wished',
    remedy: 'Install bubblewrap, or set runners.isolation to auto.',
  },
});
