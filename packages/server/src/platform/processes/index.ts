export { type BackoffRule, backoffMs, failuresAfter } from './backoff.ts';
export { type Channel, type Topic, channelPair } from './channel.ts';
export { type FolderLock, lockFolder, waitForLock } from './folder-lock.ts';
export { claimPort } from './free-port.ts';
export { inheritedFlags } from './inherited-flags.ts';
export { makePrivateFolder, makeRuntimeFolder } from './private-folder.ts';
export { processesTopic, watchProcesses } from './process-board.ts';
export { readProcessTable, readPssBytes } from './process-usage.ts';
export {
  type RoleContext,
  type StartRole,
  type StartedRole,
  endAtSignals,
  exclusive,
  runAlone,
  runSupervised,
} from './role.ts';
export { type ProgramEnd, type ProgramRun, killGroup, runProgram } from './run-program.ts';
export { SupervisedProcess } from './supervised-process.ts';
