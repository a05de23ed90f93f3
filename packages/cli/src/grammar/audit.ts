import { type Command, Option } from 'commander';
import type { AuditExportFlags } from '../commands/audit-export.ts';
import type { AuditProveFlags } from '../commands/audit-prove.ts';
import type { AuditSearchFlags } from '../commands/audit-search.ts';
import type { AuditVerifyFlags } from '../commands/audit-verify.ts';
import { type Does, withExamples } from './does.ts';

/** `muster audit …` */
export function addAuditCommands(program: Command, does: Does): void {
  const audit = program
    .command('audit')
    .summary('search, prove and verify what was done')
    .description('The ledger: who did what, when, and the proof that nobody changed it since.');

  const search = audit
    .command('search')
    .description('List what was done, newest first, as far as you may see it.')
    .option('--actor <ACTOR>', 'who did it: a name or an id')
    .option('--action <ACTION>', 'what was done, such as endpoint.deploy')
    .option('--subject <KIND/ID>', 'what it was done to, such as endpoint/fraud')
    .addOption(new Option('--outcome <OUTCOME>', 'how it ended').choices(['allowed', 'denied', 'failed']))
    .option('--since <TIME>', 'from then on: 2h, 2026-11-01, 2026-11-01T09:30:00Z')
    .option('--until <TIME>', 'before then')
    .option('--limit <N>', 'how many at most', '50');
  does<[], AuditSearchFlags>(
    search,
    async (invocation, _operands, flags) =>
      await (await import('../commands/audit-search.ts')).auditSearch(invocation, flags),
  );
  withExamples(
    search,
    'muster audit search --subject endpoint/fraud --since 2h',
    'muster audit search --actor ana --outcome denied',
  );

  const show = audit.command('show').description('Show one entry, with the bytes that are hashed.').argument('<seq>');
  does<[string]>(
    show,
    async (invocation, [seq]) => await (await import('../commands/audit-show.ts')).auditShow(invocation, seq),
  );
  withExamples(show, 'muster audit show 1204');

  const verify = audit
    .command('verify')
    .description('Check the whole ledger against itself, and against the notes that were kept outside.')
    .option(
      '--against <FILE>',
      'a file with signed notes that you kept; may be repeated',
      (one: string, others: string[] | undefined) => [...(others ?? []), one],
    )
    .addHelpText(
      'after',
      '\nExit codes of this command: 0 ok, 1 tampered, 2 unanchored (nothing outside vouches for it, or only something old), 3 could not be checked, 64 usage, 130 interrupted.',
    );
  does<[], AuditVerifyFlags>(
    verify,
    async (invocation, _operands, flags) =>
      await (await import('../commands/audit-verify.ts')).auditVerify(invocation, flags),
  );
  withExamples(verify, 'muster audit verify', 'muster audit verify --against note.txt');

  const prove = audit
    .command('prove')
    .description('Write the proof that an entry is in the ledger, to be checked offline.')
    .argument('<seq>')
    .option('-o, --output <FILE>', 'file to write (default: standard output)');
  does<[string], AuditProveFlags>(
    prove,
    async (invocation, [seq], flags) =>
      await (await import('../commands/audit-prove.ts')).auditProve(invocation, seq, flags),
  );
  withExamples(prove, 'muster audit prove 1204 -o entry-1204.proof.json');

  const checkpoint = audit
    .command('checkpoint')
    .description('Sign and publish a checkpoint over all entries, and print its note: keep it elsewhere.');
  does<[]>(
    checkpoint,
    async (invocation) => await (await import('../commands/audit-checkpoint.ts')).auditCheckpoint(invocation),
  );
  withExamples(checkpoint, 'muster audit checkpoint > note.txt');

  const rotate = audit
    .command('rotate-key')
    .description(
      'Sign checkpoints with a new key from now on, and print the public keys. The old key signs the change, so that who has pinned it can follow.',
    );
  does<[]>(
    rotate,
    async (invocation) => await (await import('../commands/audit-rotate-key.ts')).auditRotateKey(invocation),
  );
  withExamples(rotate, 'muster audit rotate-key');

  const exported = audit
    .command('export')
    .description('Write the whole ledger as JSONL, as the stand-alone verifier reads it.')
    .option('-o, --output <FILE>', 'file to write (default: standard output)');
  does<[], AuditExportFlags>(
    exported,
    async (invocation, _operands, flags) =>
      await (await import('../commands/audit-export.ts')).auditExport(invocation, flags),
  );
  withExamples(exported, 'muster audit export -o ledger.jsonl');
}
