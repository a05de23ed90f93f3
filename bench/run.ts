import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { authorization } from './authorization.ts';
import { batch } from './batch.ts';
import { type Benchmark, type Result, describeFigure } from './benchmark.ts';
import { drawChart } from './chart.ts';
import { endChildrenWithThisProcess } from './children.ts';
import { fleet } from './fleet.ts';
import { ledger } from './ledger.ts';
import { describeMachine } from './machine.ts';
import { memory } from './memory.ts';
import { buildPublished } from './published-programs.ts';
import { readiness } from './readiness.ts';
import { serving } from './serving.ts';
import { start } from './start.ts';

const benchmarks: readonly Benchmark[] = [start, serving, authorization, fleet, memory, batch, ledger, readiness];

const usage = `npm run bench -- [${benchmarks.map(({ name }) => name).join(' | ')}] [--quick] [--check]

Without a name, all of them run. Each figure is a ratio of two measurements made in turns; the results go to
bench/results/<name>.json and .svg.

  --quick   fewer and shorter rounds; writes no results
  --check   exits with 1 when a ratio is outside its accepted range`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const chosen = positionals.length === 0 ? benchmarks : benchmarks.filter(({ name }) => positionals.includes(name));
const unknown = positionals.filter((name) => !benchmarks.some((benchmark) => benchmark.name === name));
if (values.help || unknown.length > 0) {
  console.log(unknown.length === 0 ? usage : `There is no benchmark "${unknown.join('", "')}".\n\n${usage}`);
  process.exit(values.help ? 0 : 2);
}

endChildrenWithThisProcess();
const log = (line: string): void => console.log(line);
log('Building …');
await buildPublished();
let missed = 0;
for (const benchmark of chosen) {
  log(`${benchmark.title} …`);
  const measured = await benchmark.measure({ isQuick: values.quick, log: (line) => log(`  ${line}`) });
  for (const figure of measured.figures) log(describeFigure(figure));
  missed += measured.figures.filter((figure) => !figure.isAccepted).length;
  if (!values.quick)
    await save({
      name: benchmark.name,
      title: benchmark.title,
      ranOn: new Date().toISOString().slice(0, 10),
      machine: describeMachine(),
      ...measured,
    });
}
log(
  missed === 0 ? 'Every ratio is in its accepted range.' : `${missed} of the ratios are outside their accepted range.`,
);
process.exit(values.check && missed > 0 ? 1 : 0);

async function save(result: Result): Promise<void> {
  const path = fileURLToPath(new URL(`results/${result.name}`, import.meta.url));
  await writeFile(`${path}.json`, `${JSON.stringify(result, undefined, 2)}\n`);
  await writeFile(`${path}.svg`, drawChart(result));
  log(`bench/results/${result.name}.json and .svg`);
}
