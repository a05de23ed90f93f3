import type { EndpointState } from '../../src/deployments/endpoint.ts';
import { routedEndpoint } from '../../src/deployments/routed-endpoint.ts';
import type { KeptInterval, MemoryInstallation } from './memory-installation.ts';

/** What a routing table says of everything that answers, at one commit. */
interface Moment {
  readonly at: number;
  readonly lines: readonly string[];
}

/** Watches whether the history says what the routing tables say, commit by commit and looked back at from the end. */
export interface HistoryCheck {
  /** Called after each commit; answers what is wrong. */
  look(disk: MemoryInstallation, now: number): readonly string[];
  /** Compares the history with a record that was kept by hand; answers what is wrong. */
  lookBack(disk: MemoryInstallation): readonly string[];
}

export function createHistoryCheck(): HistoryCheck {
  const moments: Moment[] = [];
  return {
    look(disk, now) {
      const routed = disk.endpoints().flatMap(linesOfTable).toSorted();
      const open = disk
        .history()
        .filter(({ until }) => until === undefined)
        .map(lineOf)
        .toSorted();
      // Of two commits within one millisecond, the later counts.
      if (moments.at(-1)?.at === now) moments.pop();
      moments.push({ at: now, lines: routed });
      return routed.join() === open.join()
        ? []
        : [`the table says ${routed.join(', ')}, the history ${open.join(', ')}`];
    },

    lookBack(disk) {
      const wrong: string[] = [];
      const history = disk.history();
      const entries = disk.entries();
      for (const { at, lines } of moments) {
        const then = history.filter(({ from, until }) => from <= at && (until ?? Infinity) > at).map(lineOf);
        if (then.toSorted().join() !== lines.join())
          wrong.push(`at ${at} it was ${lines.join(', ')}, the history says ${then.join(', ')}`);
      }
      for (const interval of history) wrong.push(...wrongDecisions(interval, entries));
      return wrong.slice(0, 3);
    },
  };
}

/** The table as the gateway gets it, not what the history is made of. */
function linesOfTable(state: EndpointState): readonly string[] {
  return (routedEndpoint(state, (runner) => runner)?.deployments ?? [])
    .filter(({ quarantined }) => quarantined === undefined)
    .map(({ id, role, sharePercent }) => `${state.endpoint.id} ${id} ${role} ${sharePercent}`);
}

function lineOf({ endpointId, deploymentId, role, sharePercent }: KeptInterval): string {
  return `${endpointId} ${deploymentId} ${role} ${sharePercent}`;
}

/** Every row names a decision of somebody that the ledger has, and ends by one or by a word. */
function wrongDecisions({ decision, until, cause, role }: KeptInterval, entries: readonly string[]): string[] {
  const isKept = (action: string | null, entry: number | null): boolean =>
    entry !== null && action !== null && entries[entry] === action;
  const wrong: string[] = [];
  if (decision?.by !== 'ana' || !isKept(decision.action, decision.entry))
    wrong.push(`${role} began by ${JSON.stringify(decision)}, which the ledger does not have`);
  if ((until === undefined) !== (cause === undefined)) wrong.push(`${role} ended without a cause`);
  if (cause?.why === null && !isKept(cause.decision.action, cause.decision.entry))
    wrong.push(`${role} ended by ${JSON.stringify(cause.decision)}, which the ledger does not have`);
  if (cause?.why === 'quarantined' && entries[cause.entry?.seq ?? -1] !== 'system.deployment.quarantined')
    wrong.push(`${role} was quarantined without an entry`);
  return wrong;
}
