/**
 * The flags of our own Node that a child of ours needs, too: a server that runs from its sources starts everything from
 * sources. Others (an inspector's port, a profiler, what a launcher preloads) are for this process alone.
 */
export function inheritedFlags(execArguments: readonly string[] = process.execArgv): readonly string[] {
  return execArguments.filter(
    (word, index) => word.startsWith('--conditions') || execArguments[index - 1] === '--conditions',
  );
}
