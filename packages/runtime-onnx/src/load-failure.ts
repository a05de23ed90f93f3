import { MusterError } from '@muster-ml/protocol';
import { type ModelOutline, domainName } from './outline.ts';

const maxTextLength = 500;

/** Operator sets that onnxruntime brings; others are somebody's extensions. */
const knownDomains = new Set([
  '',
  'ai.onnx',
  'ai.onnx.ml',
  'ai.onnx.training',
  'ai.onnx.preview.training',
  'com.microsoft',
  'com.microsoft.nchwc',
  'com.ms.internal.nhwc',
]);

/** What onnxruntime says, for users: without C++ signatures and the machine's paths, and not longer than a few lines. */
export function shortenRuntimeText(text: string): string {
  const short = text
    .slice(0, maxTextLength * 8)
    .replace(/^Load model from .*? failed:\s*/su, '')
    // Where in its sources it was thrown: file, line and the function's signature.
    .replaceAll(/\/onnxruntime_src\/\S*:\d+ (?:[^\n]*?\)(?:::<lambda\(\)>)? (?=[A-Z]|\S+ was false))?/gu, '')
    .replaceAll(/\b[\w-]+\.(?:cc|h):\d+ \w+ /gu, '')
    // Paths; a name in quotes is a node of the graph, which exporters name like one.
    .replaceAll(/(?<![\w.:/'])\/[^\s/:'"]+\/[^\s:'"]*/gu, '…')
    .replaceAll(/\s+/gu, ' ')
    .trim();
  return short.length > maxTextLength ? `${short.slice(0, maxTextLength)}…` : short;
}

/** The error of a file that onnxruntime did not load, with the operator, domain and operator set that it stumbled over. */
export function explainLoadFailure(thrown: unknown, outline: ModelOutline): MusterError {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  const short = shortenRuntimeText(text);
  const foreign = foreignOperators(outline);
  if (foreign.length > 0 && /not a registered function|No Op registered|No opset import|domain/u.test(text)) {
    return unsupported(
      `it uses operators that the runtime does not have: ${foreign.join(', ')}`,
      'Export the model with operators of ai.onnx and ai.onnx.ml only; custom operators are not loaded.',
      text,
    );
  }
  const unknown = /No Op registered for (\S+) with domain_version of (\d+)/u.exec(text);
  if (unknown !== null) {
    const [, operator = '', opset = ''] = unknown;
    const domain = outline.operators.find(({ name }) => name === operator)?.domain ?? '';
    return unsupported(
      `operator ${operator} is not in operator set ${opset} of ${domainName(domain)}`,
      'Export the model for another operator set, or without this operator.',
      text,
    );
  }
  const newest = /Opset (\d+) is under development.*?support for domain (\S+) is till opset (\d+)/su.exec(text);
  if (newest !== null) {
    const [, asked = '', domain = '', most = ''] = newest;
    return unsupported(
      `it needs operator set ${asked} of ${domain}; the runtime knows sets up to ${most}`,
      `Export the model for operator set ${most} or lower.`,
      text,
    );
  }
  const missing = /Could not find an implementation for (\S+?)\((\d+)\) node/u.exec(text);
  if (missing !== null) {
    return unsupported(
      `the runtime has operator ${missing[1]} (operator set ${missing[2]}), but not for the element types that it is used with`,
      'Convert the model to float32, or export it for another operator set.',
      text,
    );
  }
  const ir = /Unsupported model IR version: (\d+), max supported IR version: (\d+)/u.exec(text);
  if (ir !== null) {
    return unsupported(
      `its format has version ${ir[1]}; the runtime reads versions up to ${ir[2]}`,
      'Export the model with an older version of the onnx package.',
      text,
    );
  }
  const locale = /construct locale with name:([\w.@-]+?):/u.exec(text);
  if (locale !== null) {
    return unsupported(
      `it changes the case of text by the rules of ${locale[1]}, which this machine does not have`,
      `Install that locale where runners run (Debian: apt-get install locales, then locale-gen ${locale[1]}).`,
      text,
    );
  }
  return new MusterError('invalid_model_file', `the runtime does not load the model: ${short}`, { cause: thrown });
}

/** Operators of domains that neither the runtime nor the file itself defines, with their operator sets. */
function foreignOperators({ operators, functions, opsets }: ModelOutline): string[] {
  return operators
    .filter(({ domain, name }) => !knownDomains.has(domain) && !functions.has(`${domain}:${name}`))
    .slice(0, 10)
    .map(({ domain, name }) => `${name} (domain ${domain}, operator set ${opsets.get(domain) ?? 'not imported'})`);
}

function unsupported(message: string, remedy: string, text: string): MusterError {
  return new MusterError('unsupported_model', message, { remedy, cause: new Error(text) });
}
