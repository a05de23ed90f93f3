import { type Command, Argument } from 'commander';
import type { EndpointCallersFlags } from '../commands/endpoint-callers.ts';
import type { EndpointLogsFlags } from '../commands/endpoint-logs.ts';
import type { EndpointUpdateFlags } from '../commands/endpoint-update.ts';
import { type Does, withExamples } from './does.ts';

/** `muster endpoint …` */
export function addEndpointCommands(program: Command, does: Does): void {
  const endpoint = program
    .command('endpoint')
    .summary('list, show, change and end endpoints')
    .description('Endpoints: the stable names that applications call.');

  const list = endpoint.command('list').description('List the endpoints.');
  does<[]>(list, async (invocation) => await (await import('../commands/endpoint-list.ts')).endpointList(invocation));
  withExamples(list, 'muster endpoint list', 'muster endpoint list -o name');

  const show = endpoint
    .command('show')
    .description(
      'Show an endpoint: how it is and where it stands, whose it is and why it exists, what it takes and gives, its deployments.',
    )
    .argument('<endpoint>');
  does<[string]>(
    show,
    async (invocation, [name]) => await (await import('../commands/endpoint-show.ts')).endpointShow(invocation, name),
  );
  withExamples(show, 'muster endpoint show fraud', 'muster endpoint show fraud -o wide');

  const logs = endpoint
    .command('logs')
    .description('Print what happened to an endpoint, oldest first.')
    .argument('<endpoint>')
    .option('--limit <N>', 'how many of the last events', '100')
    .option('--follow', 'go on with what happens from now on');
  does<[string], EndpointLogsFlags>(
    logs,
    async (invocation, [name], flags) =>
      await (await import('../commands/endpoint-logs.ts')).endpointLogs(invocation, name, flags),
  );
  withExamples(logs, 'muster endpoint logs fraud --follow');

  const callers = endpoint
    .command('callers')
    .description('List who called an endpoint, those with most calls first.')
    .argument('<endpoint>')
    .option('--since <TIME>', 'how far back, such as 24h or 30d', '24h')
    .option('--limit <N>', 'how many callers to name', '100');
  does<[string], EndpointCallersFlags>(
    callers,
    async (invocation, [name], flags) =>
      await (await import('../commands/endpoint-callers.ts')).endpointCallers(invocation, name, flags),
  );
  withExamples(callers, 'muster endpoint callers fraud', 'muster endpoint callers fraud --since 30d -o wide');

  const update = endpoint
    .command('update')
    .description('Change what an endpoint says of itself, and its limits. What is not given stays.')
    .argument('<endpoint>')
    .option('--description <TEXT>', 'one sentence on what it is for')
    .option('--owner <NAME>', 'the person or service account to ask about it')
    .option('--use-case <NAME>', 'why it exists: a use case of its team; none takes it away')
    .option('--objective <TEXT>', 'what callers may count on, such as "p95<200ms@20rps,errors<1%"; none takes it away')
    .option('--runbook <URL>', 'page that says what to do when something is wrong; none takes it away')
    .option(
      '--tag <KEY=VALUE>',
      'set a tag, or remove it with KEY=; may be repeated',
      (one: string, others: string[] | undefined) => [...(others ?? []), one],
    )
    .option('--timeout <TIME>', 'longest a request may take, such as 10s')
    .option('--body <SIZE>', 'largest body of a request, such as 64Mi')
    .option('--queue <N>', 'requests that may wait; more are refused');
  does<[string], EndpointUpdateFlags>(
    update,
    async (invocation, [name], flags) =>
      await (await import('../commands/endpoint-update.ts')).endpointUpdate(invocation, name, flags),
  );
  withExamples(
    update,
    'muster endpoint update fraud --timeout 2s --tag cost-centre=CC-1204',
    'muster endpoint update fraud --owner ana --use-case card-fraud --runbook https://wiki.example.com/fraud',
    'muster endpoint update fraud --objective "p95<200ms@20rps,errors<1%"',
  );

  const end = endpoint
    .command('end')
    .description('End the canary or the shadow of an endpoint; the live version gets all requests again.')
    .argument('<endpoint>')
    .addArgument(new Argument('<role>', 'what to end').choices(['canary', 'shadow']));
  does<[string, string]>(
    end,
    async (invocation, [name, role]) =>
      await (await import('../commands/endpoint-end.ts')).endpointEnd(invocation, name, role),
  );
  withExamples(end, 'muster endpoint end fraud canary');

  const restart = endpoint
    .command('restart')
    .description(
      'Start the replicas of an endpoint anew, with the newest secrets; the old ones answer until the new ones do.',
    )
    .argument('<endpoint>');
  does<[string]>(
    restart,
    async (invocation, [name]) =>
      await (await import('../commands/endpoint-restart.ts')).endpointRestart(invocation, name),
  );
  withExamples(restart, 'muster endpoint restart fraud');

  const scores = endpoint
    .command('scores')
    .description('List the tables that were scored with an endpoint, newest first.')
    .argument('<endpoint>');
  does<[string]>(
    scores,
    async (invocation, [name]) =>
      await (await import('../commands/endpoint-scores.ts')).endpointScores(invocation, name),
  );
  withExamples(scores, 'muster endpoint scores churn');

  const unfollow = endpoint
    .command('unfollow')
    .description('End following an alias of an MLflow server. What is live stays.')
    .argument('<endpoint>');
  does<[string]>(
    unfollow,
    async (invocation, [name]) =>
      await (await import('../commands/endpoint-unfollow.ts')).endpointUnfollow(invocation, name),
  );
  withExamples(unfollow, 'muster endpoint unfollow churn');

  const remove = endpoint
    .command('delete')
    .description('End an endpoint. Its callers get 404; its versions stay registered.')
    .argument('<endpoint>');
  does<[string]>(
    remove,
    async (invocation, [name]) =>
      await (await import('../commands/endpoint-delete.ts')).endpointDelete(invocation, name),
  );
  withExamples(remove, 'muster endpoint delete fraud', 'muster endpoint delete fraud --yes');
}
