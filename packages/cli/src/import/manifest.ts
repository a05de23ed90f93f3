import { isRecord, partOf, textOf } from './look-into.ts';

/** What a manifest of a serving platform says of one endpoint. */
export interface ServedElsewhere {
  readonly platform: 'kserve' | 'seldon';
  readonly name: string;
  readonly namespace: string | undefined;
  readonly location: string;
  readonly description?: string | undefined;
  readonly model: string | undefined;
  readonly version: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

/** What a manifest is to the import: an endpoint, something of the platform that is none, or somebody else's. */
export type ManifestFound =
  | { readonly is: 'endpoint'; readonly endpoint: ServedElsewhere }
  | { readonly is: 'skipped'; readonly why: string }
  | { readonly is: 'other' };

const mostModel = 256;
const mostVersion = 100;
const mostTags = 50;

/**
 * Where a model lies, without what may be a secret: a user and a password, and what follows `?`, where signatures stand.
 * Of one that is too long its end stays, which says more.
 */
export function storageText(uri: string | undefined): string | undefined {
  if (uri === undefined) return undefined;
  const plain = uri.replace(/[?#].*$/s, '').replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, '$1');
  return plain === '' ? undefined : plain.length <= mostModel ? plain : `…${plain.slice(1 - mostModel)}`;
}

/** Name and version of an image: its tag, else its digest. */
export function imageParts(image: string | undefined): { readonly model?: string; readonly version?: string } {
  if (image === undefined) return {};
  const [, name = image, tag, digest] = /^(.*?)(?::([^:/@]+))?(?:@(sha256:[0-9a-f]+))?$/.exec(image) ?? [];
  const model = storageText(name);
  const version = tag ?? digest;
  return {
    ...(model === undefined ? {} : { model }),
    ...(version === undefined ? {} : { version: version.slice(0, mostVersion) }),
  };
}

/** The version that the labels name, as Kubernetes recommends and as people do. */
export function labelledVersion(manifest: unknown): string | undefined {
  const labels = partOf(manifest, 'metadata', 'labels');
  const named =
    textOf(labels, 'app.kubernetes.io/version') ?? textOf(labels, 'version') ?? textOf(labels, 'model-version');
  return named?.slice(0, mostVersion);
}

/** Labels as tags, with those that the import adds first, as many as fit. */
export function tagsOf(manifest: unknown, own: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const labels = partOf(manifest, 'metadata', 'labels');
  const all = [...Object.entries(own), ...Object.entries(isRecord(labels) ? labels : {})];
  const fitting = all.filter(
    (tag): tag is [string, string] =>
      typeof tag[1] === 'string' && tag[0] !== '' && tag[0].length <= 100 && tag[1].length <= 1000,
  );
  return Object.fromEntries(fitting.slice(0, mostTags));
}

/** `namespace/name`, as people say where something is. */
export function placeText(namespace: string | undefined, name: string): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
