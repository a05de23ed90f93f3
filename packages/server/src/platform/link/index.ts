export { parseLinkAddress } from './address.ts';
export { type RunnerResult, health, infer, load, unload } from './runner-calls.ts';
export { RuntimeLink, type RuntimeLinkOptions, openRuntimeLink } from './runtime-link.ts';
