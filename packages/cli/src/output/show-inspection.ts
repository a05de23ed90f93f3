import { statSync } from 'node:fs';
import type { InspectedOnnx } from '../inspection/inspect-onnx.ts';
import { type Look, type Missing, isForeign } from '../inspection/look.ts';
import type { Invocation } from '../invocation.ts';
import { sizeText } from '../units/size.ts';
import { commandName } from './command-name.ts';
import { nextCommands } from './next-commands.ts';
import { shellQuoted } from './shell-quoted.ts';
import { showFacts } from './show-facts.ts';
import { tensorText } from './signature-text.ts';
import { safeText } from './text-width.ts';

const formats: Readonly<Record<NonNullable<Look['format']>, string>> = {
  pickle: 'pickle',
  joblib: 'joblib',
  skops: 'skops',
  xgboost: 'XGBoost',
  lightgbm: 'LightGBM',
  catboost: 'CatBoost',
  mlflow: 'MLflow model folder',
  huggingface: 'Hugging Face folder',
  folder: 'folder with a model.py',
};

const shownNames = 30;

/** Shows what a look found: what it is, what made it, what it needs, what is dangerous, what is missing, what to do next. */
export function showInspectedLook(invocation: Invocation, path: string, look: Look): void {
  const { terminal } = invocation;
  const { details } = look;
  showFacts(terminal, [
    ['file', `${path}, ${sizeOf(path, details)}`],
    ['kind', look.format === null ? 'cannot be served as it is' : `${formats[look.format]}, run by Python`],
    ['class', look.modelClass],
    ['made with', [look.producer, ...(look.pythonVersion === null ? [] : [`Python ${look.pythonVersion}`])].join(', ')],
    ['needs', look.requirements.join(', ')],
    ['modules', look.modules.join(', ')],
    ['inputs', listed(details['inputs']) ?? listed(details['features']) ?? countText(details['featureCount'])],
    ['outputs', listed(details['outputs'])],
    ['objective', textOf(details['objective'])],
    ['load', textOf(details['load'])],
    ['predict', textOf(details['predict'])],
    ['run', textOf(details['runId'])],
    ['noted', look.adaptations.join('\n')],
    ['scanner', look.scanner],
  ]);
  showDangers(invocation, look);
  showMissing(invocation, look.missing);
  showNext(invocation, path, look);
}

/** Shows what is known of an ONNX file. */
export function showInspectedOnnx(invocation: Invocation, path: string, { signature, facts }: InspectedOnnx): void {
  const { terminal } = invocation;
  const opsets = Object.entries(facts.opsets).map(([domain, opset]) => `${domain || 'ai.onnx'} ${opset}`);
  showFacts(terminal, [
    ['file', `${path}, ${sizeText(facts.sizeBytes)}`],
    ['kind', 'ONNX, run by onnxruntime'],
    ['made with', facts.producer],
    ['opsets', opsets.join(', ')],
    ['operators', Object.keys(facts.operators).slice(0, shownNames).join(', ')],
    ['parameters', facts.parameterCount === 0 ? undefined : facts.parameterCount.toLocaleString('en-GB')],
    ['inputs', signature.inputs.map(tensorText).join('\n')],
    ['outputs', signature.outputs.map(tensorText).join('\n')],
    ['features', signature.features?.join(', ')],
    ['labels', signature.labels?.join(', ')],
    ['noted', facts.adaptations.join('\n')],
  ]);
  terminal.note('');
  nextCommands(terminal, [['Deploy it', `${commandName(invocation)} deploy ${shellQuoted(path)}`]]);
}

function showDangers({ terminal }: Invocation, { dangers, scanner, format }: Look): void {
  const { paint, symbols } = terminal;
  if (scanner.startsWith('none')) {
    terminal.print(
      `\n${paint.yellow(symbols.warning)} nobody looked for dangerous instructions: ${safeText(scanner.slice(6))}`,
    );
  }
  if (dangers.length === 0) return;
  terminal.print('');
  for (const { severity, what } of dangers) {
    const mark = severity === 'dangerous' ? paint.red(symbols.warning) : paint.yellow(symbols.dot);
    const word = severity === 'dangerous' ? paint.red(paint.bold(severity)) : paint.yellow(severity);
    terminal.print(`${mark} ${word}  ${safeText(what)}`);
  }
  if (dangers.some(({ severity }) => severity === 'dangerous'))
    terminal.print(
      dangers.some(isForeign)
        ? `Whoever loads this ${format === null ? 'file' : 'model'} runs that. Load it only if you trust who made it.`
        : 'The file carries code of its own, as cloudpickle writes it: load it only if you trust who made it.',
    );
}

function showMissing({ terminal }: Invocation, missing: readonly Missing[]): void {
  const { paint, symbols } = terminal;
  for (const { what, why, remedy } of missing) {
    terminal.print(`\n${paint.yellow(symbols.failed)} missing: ${safeText(what)}`);
    terminal.print(`  ${safeText(why)}`);
    terminal.print(`  ${symbols.arrow} ${safeText(remedy)}`);
  }
}

function showNext(invocation: Invocation, path: string, look: Look): void {
  const { terminal } = invocation;
  const needsOther = look.runtime === null || look.missing.some(({ kind }) => kind === 'code' || kind === 'export');
  if (needsOther || look.dangers.some(isForeign)) return;
  const flags = [
    ...(look.missing.some(({ kind }) => kind === 'requirement') ? ['--requirements requirements.txt'] : []),
    ...(look.hasSignature ? [] : ['--sample rows.csv']),
  ];
  terminal.note('');
  nextCommands(terminal, [
    ['Deploy it', [commandName(invocation), 'deploy', shellQuoted(path), ...flags].join(' ')],
    ...(look.hasSignature || look.missing.some(({ kind }) => kind === 'sample')
      ? []
      : [['', 'rows.csv: a header and a few rows, because the file does not tell all types of its inputs'] as const]),
  ]);
}

function sizeOf(path: string, details: Look['details']): string {
  const { sizeBytes, files } = details;
  return typeof sizeBytes === 'number'
    ? `${sizeText(sizeBytes)} in ${String(files)} file${files === 1 ? '' : 's'}`
    : sizeText(statSync(path).size);
}

function listed(value: unknown): string | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const more = value.length > shownNames ? ` and ${value.length - shownNames} more` : '';
  return value.slice(0, shownNames).map(String).join(', ') + more;
}

function countText(value: unknown): string | undefined {
  return typeof value === 'number' ? `${value} feature${value === 1 ? '' : 's'}` : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
