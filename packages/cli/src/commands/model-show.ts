import type { Client } from '@muster-ml/client';
import type { ModelFacts, Version } from '@muster-ml/protocol';
import { allPages } from '../context/all-pages.ts';
import { withNearest } from '../context/with-nearest.ts';
import { readModelReference } from '../handover/model-reference.ts';
import { resolveVersion } from '../handover/resolve-version.ts';
import type { Invocation } from '../invocation.ts';
import { showFacts } from '../output/show-facts.ts';
import { tableOptions } from '../output/show-list.ts';
import { signatureText, tensorText } from '../output/signature-text.ts';
import { type Column, renderTable } from '../output/table.ts';
import { timeText } from '../output/time-text.ts';
import { sizeText } from '../units/size.ts';
import { aliasesText } from './model-list.ts';

/** Versions that a model shows; `--json` and `-o wide` show all. */
const newestVersions = 20;

/** Shows a model with its versions, or, with `MODEL:VERSION` or `MODEL@ALIAS`, one version. */
export async function modelShow(invocation: Invocation, what: string): Promise<void> {
  const client = await invocation.client();
  const reference = readModelReference(what);
  const name = reference?.model ?? what;
  await withNearest(client, 'model', name, async () => {
    if (reference === undefined) return await showModel(invocation, client, name);
    const version = await resolveVersion(client, reference);
    showVersion(invocation, await client.call('versionGet', { params: { model: name, version } }));
  });
}

async function showModel(invocation: Invocation, client: Client, name: string): Promise<void> {
  const { terminal, flags } = invocation;
  const model = await client.call('modelGet', { params: { model: name } });
  const isAll = flags.json === true || flags.output === 'wide';
  const versions = await allPages(
    (query) => client.call('versionList', { params: { model: name }, query }),
    isAll ? undefined : newestVersions,
  );
  if (flags.json === true) return terminal.print(JSON.stringify({ ...model, versions }));
  if (flags.output === 'name') return terminal.print(model.name);
  showFacts(terminal, [
    ['model', model.name],
    ['team', model.team],
    ['description', model.description],
    ['aliases', aliasesText(model.aliases)],
    ['created', when(invocation, model.createdAt)],
    ['by', flags.output === 'wide' ? model.createdBy : undefined],
  ]);
  if (versions.length > 0)
    terminal.print(`\n${renderTable(versions, versionColumns(invocation), tableOptions(invocation))}`);
  if (model.latestVersion !== null && model.latestVersion > versions.length)
    terminal.note(`older ones: muster model show ${name} -o wide`);
}

function versionColumns(invocation: Invocation): Column<Version>[] {
  return [
    { title: 'VERSION', value: ({ number }) => String(number), align: 'right' },
    { title: 'SIGNATURE', value: ({ signature }) => signatureText(signature), shrinks: true },
    { title: 'SIZE', value: ({ sizeBytes }) => sizeText(sizeBytes), align: 'right' },
    { title: 'SAMPLE', value: ({ sampleDigest }) => (sampleDigest === null ? 'no' : 'yes') },
    { title: 'CREATED', value: ({ createdAt }) => when(invocation, createdAt) },
    { title: 'BY', value: ({ createdBy }) => createdBy, wide: true, shrinks: true },
    { title: 'DIGEST', value: ({ digest }) => digest, wide: true },
    { title: 'DESCRIPTION', value: ({ description }) => description || '-', wide: true, shrinks: true },
  ];
}

function showVersion(invocation: Invocation, version: Version): void {
  const { terminal, flags } = invocation;
  const { facts, signature } = version;
  if (flags.json === true) return terminal.print(JSON.stringify(version));
  if (flags.output === 'name') return terminal.print(`${version.model}:${version.number}`);
  showFacts(terminal, [
    ['version', `${version.model}:${version.number}`],
    ['file', `${facts.format}, ${sizeText(version.sizeBytes)}, sha256 ${version.digest}`],
    ['made by', facts.producer],
    ...factLines(facts),
    ['inputs', signature.inputs.map(tensorText).join('\n')],
    ['outputs', signature.outputs.map(tensorText).join('\n')],
    ['features', signature.features?.join(', ')],
    ['labels', signature.labels?.join(', ')],
    ['adapted', facts.adaptations.join('\n')],
    ['sample', version.sampleDigest === null ? 'none' : `sha256 ${version.sampleDigest}`],
    ['description', version.description],
    ['created', when(invocation, version.createdAt)],
    ['by', flags.output === 'wide' ? version.createdBy : undefined],
  ]);
  terminal.note(`\nDeploy it   muster deploy ${version.model}:${version.number} --name NAME`);
}

/** What only one kind of model has. */
function factLines(facts: ModelFacts): readonly (readonly [string, string | undefined])[] {
  if (facts.format === 'onnx') {
    const opsets = Object.entries(facts.opsets).map(([domain, opset]) => `${domain || 'ai.onnx'} ${opset}`);
    const parameters = facts.parameterCount === 0 ? undefined : facts.parameterCount.toLocaleString('en-GB');
    return [
      ['opsets', opsets.join(', ')],
      ['parameters', parameters],
    ];
  }
  const { environment, dangers, modelClass } = facts;
  return [
    ['class', modelClass],
    ['python', environment.python],
    ['packages', environment.requirements.join(', ')],
    ['dangers', dangers.map(({ severity, what }) => `${severity}: ${what}`).join('\n')],
  ];
}

function when({ terminal, surroundings }: Invocation, time: string): string {
  return timeText(time, { relative: terminal.isRead, nowMs: surroundings.now() });
}
