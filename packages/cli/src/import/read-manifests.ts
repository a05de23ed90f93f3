import { type Document, parseAllDocuments } from 'yaml';
import { toSlug } from '../handover/derive-name.ts';
import { UsageError } from '../usage-error.ts';
import type { ImportDefaults, ImportItem, ObserveBody, ReadItems, Skipped } from './import-item.ts';
import { readKserve } from './kserve.ts';
import { listOf, textOf } from './look-into.ts';
import { type ServedElsewhere, placeText } from './manifest.ts';
import { readSeldon } from './seldon.ts';

/** Aliases of one document that are resolved: a few lines can stand for gigabytes. */
const maxAliases = 100;
const maxDocuments = 100_000;

export interface ManifestFile {
  readonly path: string;
  readonly text: string;
}

interface Found {
  readonly endpoint: ServedElsewhere;
  readonly place: string;
}

/**
 * Reads manifests of KServe and Seldon; what else lies beside them, such as a Secret, is counted and never looked into.
 * Throws `UsageError` with file and line for what is no YAML, and where two endpoints would have one name.
 */
export function readManifests(
  files: readonly ManifestFile[],
  defaults: ImportDefaults,
): ReadItems & { readonly others: number } {
  const found: Found[] = [];
  const skipped: Skipped[] = [];
  let others = 0;
  for (const { path, text } of files) {
    for (const { manifest, place } of manifestsIn(path, text)) {
      const kserve = readKserve(manifest);
      const read = kserve.is === 'other' ? readSeldon(manifest) : kserve;
      if (read.is === 'endpoint') found.push({ endpoint: read.endpoint, place });
      else if (read.is === 'other') others += 1;
      else skipped.push({ what: whatOf(manifest), place, why: read.why });
    }
  }
  return { items: named(found, defaults, skipped), skipped, others };
}

function* manifestsIn(path: string, text: string): Generator<{ readonly manifest: unknown; readonly place: string }> {
  const documents: readonly Document[] = parsedDocuments(text);
  if (documents.length > maxDocuments)
    throw new UsageError(`${path} has more than ${maxDocuments} documents`, 'Send it in parts.', path);
  for (const document of documents) {
    // A tag that is not YAML's own, such as those that make objects of a language, is never followed.
    const [problem] = [...document.errors, ...document.warnings];
    const line = problem?.linePos?.[0].line ?? lineOf(text, document.contents?.range?.[0] ?? 0);
    const place = `${path}:${line}`;
    if (problem !== undefined)
      throw new UsageError(
        `${path} is no plain YAML: ${problem.message.split('\n')[0] ?? ''}`,
        'Correct it; of a template, give what it renders to.',
        place,
      );
    const manifest = plain(document, place);
    const kind = textOf(manifest, 'kind');
    // What kubectl get prints of several.
    if (kind !== undefined && kind.endsWith('List') && listOf(manifest, 'items').length > 0) {
      for (const item of listOf(manifest, 'items')) yield { manifest: item, place };
    } else if (manifest !== null && manifest !== undefined) yield { manifest, place };
  }
}

function parsedDocuments(text: string): readonly Document[] {
  const documents = parseAllDocuments(text, { version: '1.2', schema: 'core', merge: false, logLevel: 'error' });
  return 'empty' in documents ? [] : documents;
}

function plain(document: Document, place: string): unknown {
  try {
    return document.toJS({ maxAliasCount: maxAliases });
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    throw new UsageError(`it has more than ${maxAliases} aliases`, 'Write it without anchors.', place);
  }
}

function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

function whatOf(manifest: unknown): string {
  const name = textOf(manifest, 'metadata', 'name') ?? '?';
  return `${textOf(manifest, 'kind') ?? '?'} ${placeText(textOf(manifest, 'metadata', 'namespace'), name)}`;
}

/** Names as endpoints have them; where two would have the same, the namespace goes before each. */
function named(found: readonly Found[], defaults: ImportDefaults, skipped: Skipped[]): readonly ImportItem[] {
  const bySlug = Map.groupBy(found, ({ endpoint }) => toSlug(endpoint.name));
  const taken = new Map<string, string>();
  const items: ImportItem[] = [];
  for (const { endpoint, place } of found) {
    const slug = toSlug(endpoint.name);
    const isShared = (bySlug.get(slug)?.length ?? 0) > 1 && endpoint.namespace !== undefined;
    const name = isShared ? toSlug(`${endpoint.namespace}-${endpoint.name}`) : slug;
    if (name === undefined) {
      skipped.push({
        what: placeText(endpoint.namespace, endpoint.name),
        place,
        why: 'no letter of its name can be kept',
      });
      continue;
    }
    const before = taken.get(name);
    if (before !== undefined)
      throw new UsageError(
        `${place} and ${before} would both be ${name}`,
        'Leave one of them out, or give it another name or namespace.',
        place,
      );
    taken.set(name, place);
    items.push({ body: bodyOf(endpoint, name, defaults), place });
  }
  return items;
}

function bodyOf(endpoint: ServedElsewhere, name: string, { team, owner }: ImportDefaults): ObserveBody {
  const { platform, location, description, model, version, tags } = endpoint;
  return {
    name,
    platform,
    location,
    tags: { ...tags },
    ...(description === undefined ? {} : { description: description.slice(0, 10_000) }),
    ...(model === undefined ? {} : { model }),
    ...(version === undefined ? {} : { version }),
    ...(team === undefined ? {} : { team }),
    ...(owner === undefined ? {} : { owner }),
  };
}
