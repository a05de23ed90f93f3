import { type Command, Option } from 'commander';
import type { ApprovalsListFlags } from '../commands/approvals-list.ts';
import type { DecideFlags } from '../commands/approve.ts';
import type { CheckFlags } from '../commands/check.ts';
import type { EvidenceAttestFlags } from '../commands/evidence-attest.ts';
import type { EvidenceListFlags } from '../commands/evidence-list.ts';
import type { SubmitFlags } from '../commands/submit.ts';
import type { WaiverDecision } from '../commands/waiver-decide.ts';
import type { WaiverRequestFlags } from '../commands/waiver-request.ts';
import { type Does, withExamples } from './does.ts';
import { pythonHelp, requirementsHelp, sampleHelp } from './model-flags.ts';

const reasonHelp = 'why, in a sentence; it is kept with the decision';

/** `muster check`, `submit`, `approve`, `reject`, `standing`, `approvals …`, `evidence …`, `waiver …` */
export function addReadinessCommands(program: Command, does: Does): void {
  program.commandsGroup('From an answer to production:');
  addVerbs(program, does);
  addApprovals(program, does);
  addEvidence(program, does);
  addWaivers(program, does);
}

function addVerbs(program: Command, does: Does): void {
  const check = program
    .command('check')
    .summary('what an endpoint, a version or a file lacks for production')
    .description(
      'Say check by check what is there, what is missing, and the command that gets it. A file or a folder is looked at on this machine, without a server and without running it; ./model is the folder where model is the endpoint. The exit code is 0 where the level holds and 1 otherwise; of a file or a version, what only a deployment shows does not count.',
    )
    .argument('<file-version-or-endpoint>', 'model.onnx, ./model, fraud:3, fraud@champion, or the endpoint fraud')
    .addOption(
      new Option('--level <LEVEL>', 'level to hold it against (default: what the environment asks for)').choices([
        'bronze',
        'silver',
        'gold',
      ]),
    )
    .option('--number <N>', 'of a version under the endpoint, such as its canary (default: what is live)')
    .option('--name <MODEL>', 'of a file: the model that it will be a version of')
    .option('--sample <FILE>', sampleHelp)
    .option('--signature <FILE>', 'JSON with the names of features and labels')
    .option('--requirements <FILE>', requirementsHelp)
    .option('--python <VERSION>', pythonHelp);
  does<[string], CheckFlags>(
    check,
    async (invocation, [what], flags) => await (await import('../commands/check.ts')).check(invocation, what, flags),
  );
  withExamples(
    check,
    'muster check model.onnx --sample rows.csv',
    'muster check fraud:3',
    'muster check fraud --level silver',
  );

  const submit = program
    .command('submit')
    .summary('ask for production')
    .description(
      'Ask for production. Refused while a required check does not hold, with the gaps and the command that closes each; else somebody who did not make it has to approve.',
    )
    .argument('<endpoint>')
    .option('--number <N>', 'of the version of the canary or shadow that is to become live (default: what is live)')
    .option('--note <TEXT>', 'what approvers should know');
  does<[string], SubmitFlags>(
    submit,
    async (invocation, [endpoint], flags) =>
      await (await import('../commands/submit.ts')).submit(invocation, endpoint, flags),
  );
  withExamples(submit, 'muster submit fraud', 'muster submit fraud --number 4 --note "Trained on October, too."');

  const approve = program
    .command('approve')
    .summary('approve what was submitted')
    .description(
      'Show what was submitted and approve it. The approval is bound to what is shown: it does not count for anything else.',
    )
    .argument('<submission>', 'its id, or the endpoint where one waits')
    .requiredOption('--reason <TEXT>', reasonHelp);
  does<[string], DecideFlags>(
    approve,
    async (invocation, [what], flags) =>
      await (await import('../commands/approve.ts')).approve(invocation, what, flags),
  );
  withExamples(approve, 'muster approve fraud --reason "The figures are what we need."');

  const reject = program
    .command('reject')
    .summary('reject what was submitted')
    .description('Reject what was submitted, with the reason. It may be submitted again.')
    .argument('<submission>', 'its id, or the endpoint where one waits')
    .requiredOption('--reason <TEXT>', reasonHelp);
  does<[string], DecideFlags>(
    reject,
    async (invocation, [what], flags) => await (await import('../commands/reject.ts')).reject(invocation, what, flags),
  );
  withExamples(reject, 'muster reject fraud --reason "It was never compared with the rule of today."');

  const standing = program
    .command('standing')
    .summary('how an endpoint came into production, and lost it')
    .description('List how the standing of an endpoint changed, newest first: by whom, why, and the audit entry.')
    .argument('<endpoint>');
  does<[string]>(
    standing,
    async (invocation, [endpoint]) => await (await import('../commands/standing.ts')).standing(invocation, endpoint),
  );
  withExamples(standing, 'muster standing fraud');
}

function addApprovals(program: Command, does: Does): void {
  const approvals = program
    .command('approvals')
    .summary('what waits for an approval')
    .description('Approvals: what was submitted for production, and what approvers have to see of it.');

  const list = approvals
    .command('list', { isDefault: true })
    .description('List what waits for an approval, newest first.')
    .option('--all', 'what was decided, too');
  does<[], ApprovalsListFlags>(
    list,
    async (invocation, _operands, flags) =>
      await (await import('../commands/approvals-list.ts')).approvalsList(invocation, flags),
  );
  withExamples(list, 'muster approvals', 'muster approvals list --all -o wide');

  const show = approvals
    .command('show')
    .description('Show what was submitted, who approved it so far, and what the checks find now.')
    .argument('<submission>', 'its id, or the endpoint where one waits');
  does<[string]>(
    show,
    async (invocation, [what]) => await (await import('../commands/approvals-show.ts')).approvalsShow(invocation, what),
  );
  withExamples(show, 'muster approvals show fraud');
}

function addEvidence(program: Command, does: Does): void {
  const evidence = program
    .command('evidence')
    .summary('what drills found, and what people signed for')
    .description('Evidence: what drills found of an endpoint, and what people signed for.');

  const list = evidence
    .command('list')
    .description('List the evidence of an endpoint, newest first.')
    .argument('<endpoint>')
    .option('--check <CHECK>', 'of one check, such as R20');
  does<[string], EvidenceListFlags>(
    list,
    async (invocation, [endpoint], flags) =>
      await (await import('../commands/evidence-list.ts')).evidenceList(invocation, endpoint, flags),
  );
  withExamples(list, 'muster evidence list fraud --check R20 -o wide');

  const attest = evidence
    .command('attest')
    .description('Say that a check holds, and sign for it. Only for checks that people attest to.')
    .argument('<endpoint>')
    .argument('<check>', 'such as R29')
    .requiredOption('--statement <TEXT>', 'what you looked at, in a sentence')
    .option('--failed', 'say that it does not hold')
    .option(
      '--figure <NAME=VALUE>',
      'a figure, such as p95Ms=180; may be repeated',
      (one: string, others?: string[]) => [...(others ?? []), one],
    );
  does<[string, string], EvidenceAttestFlags>(
    attest,
    async (invocation, [endpoint, check], flags) =>
      await (await import('../commands/evidence-attest.ts')).evidenceAttest(invocation, endpoint, check, flags),
  );
  withExamples(attest, 'muster evidence attest fraud R29 --statement "I opened it, and it says what to do."');
}

function addWaivers(program: Command, does: Does): void {
  const waiver = program
    .command('waiver')
    .summary('exceptions from checks, for a time')
    .description('Waivers: exceptions from a check, with a reason, an approver and an end.');

  const list = waiver
    .command('list')
    .description('List the waivers of an endpoint, newest first.')
    .argument('<endpoint>');
  does<[string]>(
    list,
    async (invocation, [endpoint]) =>
      await (await import('../commands/waiver-list.ts')).waiverList(invocation, endpoint),
  );
  withExamples(list, 'muster waiver list fraud');

  const request = waiver
    .command('request')
    .description('Ask for an exception from a check. Somebody else decides. R01, R05, R19 and R31 are never waived.')
    .argument('<endpoint>')
    .argument('<check>', 'such as R21')
    .requiredOption('--reason <TEXT>', 'why, in a sentence; approvers and auditors read it')
    .requiredOption('--days <N>', 'for how long, at most 90');
  does<[string, string], WaiverRequestFlags>(
    request,
    async (invocation, [endpoint, check], flags) =>
      await (await import('../commands/waiver-request.ts')).waiverRequest(invocation, endpoint, check, flags),
  );
  withExamples(request, 'muster waiver request fraud R21 --reason "One runner until the new node is there." --days 30');

  const words: Readonly<Record<WaiverDecision, string>> = {
    approve: 'Grant a waiver that somebody else asked for.',
    reject: 'Refuse a waiver.',
    revoke: 'End a waiver before its time.',
  };
  for (const decision of ['approve', 'reject', 'revoke'] as const) {
    const decide = waiver
      .command(decision)
      .description(words[decision])
      .argument('<endpoint>')
      .argument('<waiver>', 'its id, or its check where only one can be meant')
      .requiredOption('--reason <TEXT>', reasonHelp);
    does<[string, string], DecideFlags>(
      decide,
      async (invocation, [endpoint, which], flags) =>
        await (await import('../commands/waiver-decide.ts')).waiverDecide(invocation, decision, endpoint, which, flags),
    );
    withExamples(decide, `muster waiver ${decision} fraud R21 --reason "The node is there on Monday."`);
  }
}
