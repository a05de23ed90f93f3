import type { Command } from 'commander';
import type { DrillFlags } from '../commands/drill-start.ts';
import type { DrillScheduleFlags } from '../commands/drill-schedule.ts';
import { type Does, withExamples } from './does.ts';

/** `muster drill …` */
export function addDrillCommands(program: Command, does: Does): void {
  const drill = program
    .command('drill')
    .summary('make evidence by doing it: load, failover, rollback')
    .description(
      'Try an endpoint out as it is deployed, and record what was found as evidence. Its callers share it for that time. Each exits with 1 when the endpoint did not hold.',
    );

  const kinds = [
    ['load', 'Put an endpoint under the load of its objective, and see whether it keeps it.'],
    ['failover', 'Kill a runner of an endpoint and start its replicas anew, under load: no request may fail.'],
    ['rollback', 'Roll an endpoint back and return, under load: no request may fail, and what is live stays the same.'],
  ] as const;
  for (const [kind, description] of kinds) {
    const command = drill
      .command(kind)
      .description(description)
      .argument('<endpoint>')
      .option('--seconds <N>', 'how long there is load, 2 to 600', '20')
      .option('--rate <RATE>', 'load, such as 20/s (default: what the objective names, else 10/s)')
      .option('--in-flight <N>', 'requests that wait at the same time, at most', '16');
    does<[string], DrillFlags>(
      command,
      async (invocation, [endpoint], flags) =>
        await (await import('../commands/drill-start.ts')).drillStart(invocation, kind, endpoint, flags),
    );
    withExamples(command, `muster drill ${kind} fraud`, `muster drill ${kind} fraud --seconds 60 --rate 50/s`);
  }

  const schedule = drill
    .command('schedule')
    .description('Have a drill done every so many days, in your name. What it finds is told like any other.')
    .argument('<endpoint>')
    .argument('<kind>', 'load, failover or rollback')
    .requiredOption('--every <DAYS>', 'whole days, such as 30d')
    .option('--seconds <N>', 'how long there is load, 2 to 600', '20')
    .option('--rate <RATE>', 'load, such as 20/s (default: what the objective names, else 10/s)')
    .option('--in-flight <N>', 'requests that wait at the same time, at most', '16');
  does<[string, string], DrillScheduleFlags>(
    schedule,
    async (invocation, [endpoint, kind], flags) =>
      await (await import('../commands/drill-schedule.ts')).drillSchedule(invocation, endpoint, kind, flags),
  );
  withExamples(schedule, 'muster drill schedule fraud rollback --every 30d');

  const unschedule = drill
    .command('unschedule')
    .description('End the schedule of a drill.')
    .argument('<endpoint>')
    .argument('<kind>', 'load, failover or rollback');
  does<[string, string]>(
    unschedule,
    async (invocation, [endpoint, kind]) =>
      await (await import('../commands/drill-schedule.ts')).drillUnschedule(invocation, endpoint, kind),
  );
  withExamples(unschedule, 'muster drill unschedule fraud rollback');

  const list = drill
    .command('list')
    .description('List the drills of an endpoint: what the newest of each kind found, and when the next is due.')
    .argument('<endpoint>');
  does<[string]>(
    list,
    async (invocation, [endpoint]) => await (await import('../commands/drill-list.ts')).drillList(invocation, endpoint),
  );
  withExamples(list, 'muster drill list fraud', 'muster drill list fraud --json');
}
