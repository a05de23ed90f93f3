import type { Check } from '../check.ts';
import { newVersionCommand, versionName } from './names.ts';

export const r06: Check = {
  id: 'R06',
  title: 'Signature and sample came with it',
  why: 'Without names and types nobody can call it rightly; without rows nobody can tell whether it still answers the same.',
  level: 'bronze',
  evidence: 'names and types of inputs and outputs are known, and the version came with a sample',
  collected: 'platform',
  fresh: { kind: 'version' },
  appliesTo: ['served', 'observed'],
  attestedWhereObserved: true,
  waivable: true,
  remedy: 'muster model push FILE --name MODEL --sample rows.csv',

  judge(facts) {
    const { version } = facts;
    if (version === null)
      return {
        state: 'unknown',
        summary: 'there is no version yet that could have them',
        remedy: newVersionCommand(facts, ' --sample rows.csv'),
      };
    const name = versionName(version);
    const at = version.createdAt ?? undefined;
    const missing = [...(version.hasSignature ? [] : ['no signature']), ...(version.hasSample ? [] : ['no sample'])];
    if (missing.length === 0) return { state: 'passed', summary: `${name} has both`, at };
    return {
      state: 'missing',
      summary: `${name} has ${missing.join(' and ')}`,
      at,
      // A sample names inputs and outputs, too.
      remedy: newVersionCommand(facts, ' --sample rows.csv'),
    };
  },
};
