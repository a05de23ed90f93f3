import type { Check } from '../check.ts';
import { newVersionCommand, versionName } from './names.ts';

/** How many dangers are named in a sentence. */
const named = 3;

export const r05: Check = {
  id: 'R05',
  title: 'The file is safe to load',
  why: 'A pickle is a program: loading one can start anything that its author, or whoever changed it, wrote into it.',
  level: 'bronze',
  evidence: 'the inspection at hand-over found no dangerous instruction in the file',
  collected: 'platform',
  fresh: { kind: 'version' },
  appliesTo: ['served', 'observed'],
  attestedWhereObserved: true,
  waivable: false,
  remedy: 'muster deploy SAFE-FILE --name ENDPOINT',

  judge(facts) {
    const { version } = facts;
    if (version === null)
      return {
        state: 'unknown',
        summary: 'there is no version yet whose file could be looked at',
        remedy: newVersionCommand(facts),
      };
    const name = versionName(version);
    const at = version.createdAt ?? undefined;
    if (version.facts.format === 'onnx')
      return { state: 'passed', summary: `${name} is ONNX, a graph that runs no code of its own`, at };
    const { dangers, format } = version.facts;
    const dangerous = dangers.filter((danger) => danger.severity === 'dangerous' && !carriesOwnCode(danger));
    if (dangerous.length > 0)
      return {
        state: 'failed',
        summary: `${name} (${format}) holds what is dangerous to load: ${listed(dangerous)}`,
        at,
        // Another file: the one that was looked at stays what it is.
        remedy: newVersionCommand(facts, '', 'SAFE-FILE'),
      };
    return {
      state: 'passed',
      summary:
        dangers.length === 0
          ? `nothing dangerous was found in ${name} (${format})`
          : `nothing dangerous was found in ${name} (${format}); worth a look: ${listed(dangers)}`,
      at,
    };
  },
};

/** What cloudpickle needs to carry the code of a model itself: code of its author, as in a folder with a model.py. */
function carriesOwnCode({ what }: { readonly what: string }): boolean {
  return what.startsWith('cloudpickle.');
}

function listed(dangers: readonly { readonly what: string }[]): string {
  const first = dangers.slice(0, named).map(({ what }) => what);
  return first.join(', ') + (dangers.length > named ? ` and ${dangers.length - named} more` : '');
}
