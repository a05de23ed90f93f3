import { type Route, type RouteName, routes } from '@muster-ml/protocol';
import { routeSamples } from './route-samples.ts';
import { type Holder, verdictOf, verdictOfList } from './oracle.ts';
import type { Answer, Names, Owners, Sample, Step } from './sample.ts';
import { type Answered, type Asked, send } from './send.ts';
import type { World } from './world.ts';

/** What a request of a route looks like. */
export function askFor(name: RouteName, sample: Sample, names: Names, owners: Owners, holder: Holder): Asked {
  const route: Route = routes[name];
  const { params = {}, query, body, headers } = sample.request(names, owners, holder);
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_all, key: string) => encodeURIComponent(params[key] ?? ''));
  const search = query === undefined ? '' : `?${new URLSearchParams(query).toString()}`;
  const sent = body ?? (route.method === 'GET' || route.method === 'DELETE' ? undefined : {});
  return { method: route.method, path: `${path}${search}`, body: sent, headers };
}

/** The answers that the matrix allows for; undefined: the caller may. */
export function refusalOf(steps: readonly Step[], holder: Holder): Answer | undefined {
  for (const { action, target, hidden } of steps) {
    const verdict = target === undefined ? verdictOfList(holder, action) : verdictOf(holder, action, target);
    if (verdict === 'forbidden') return { status: 403, code: 'not_allowed' };
    if (verdict === 'hidden') return hidden ?? { status: 403, code: 'not_allowed' };
  }
  return undefined;
}

/** Asks as one holder, and says what is otherwise than the matrix has it. */
export async function walk(port: number, world: World, name: RouteName, holder: Holder): Promise<readonly string[]> {
  const found: string[] = [];
  for (const [index, sample] of routeSamples[name].entries()) {
    const steps = sample.steps(world.names, world.owners, holder);
    const isRefused = refusalOf(steps, holder) !== undefined;
    const made = isRefused ? undefined : await sample.prepare?.(world.maker, holder);
    const names = { ...world.names, ...made };
    const refusal = refusalOf(sample.steps(names, world.owners, holder), holder);
    const asked = askFor(name, sample, names, world.owners, holder);
    const answer = await send(port, { ...asked, token: holder.token });
    const expected = refusal === undefined ? (sample.allowed ?? [{ status: routes[name].answer.status }]) : [refusal];
    const what = `${name}${index === 0 ? '' : ` (${index + 1})`} by ${holder.title}`;
    if (!expected.some((one) => isAs(answer, one)))
      found.push(`${what}: ${answer.status} ${answer.code ?? ''}, not ${expected.map(told).join(' or ')}`);
    else if (refusal === undefined && sample.list !== undefined) {
      const shown = keysIn(answer, sample);
      const action = routes[name].action;
      const visible = sample.list
        .all(world.known())
        .filter(({ target }) => verdictOf(holder, action, target) === 'allowed')
        .map(({ key }) => key);
      const [more, less] = [without(shown, visible), without(visible, shown)];
      if (more.length > 0) found.push(`${what} shows ${more.join(', ')}`);
      if (less.length > 0) found.push(`${what} lacks ${less.join(', ')}`);
    }
  }
  return found;
}

function keysIn(answer: Answered, { list }: Sample): readonly string[] {
  const { items } = JSON.parse(answer.body) as { readonly items: readonly never[] };
  return [...new Set(items.map((item) => list?.keyOf(item) ?? ''))];
}

function without(all: readonly string[], some: readonly string[]): readonly string[] {
  return all.filter((one) => !some.includes(one));
}

function isAs(answer: Answered, { status, code }: Answer): boolean {
  return answer.status === status && (code === undefined || answer.code === undefined || answer.code === code);
}

function told({ status, code = '' }: Answer): string {
  return `${status} ${code}`.trim();
}

/** Headers that differ between any two answers; the length of a body is compared with the body. */
const passing = new Set(['date', 'x-request-id', 'connection', 'keep-alive', 'content-length']);

/** An answer without what tells one request from another: its name, its id and the time. */
export function comparable(answer: Answered, name: string): object {
  return {
    status: answer.status,
    headers: Object.fromEntries(Object.entries(answer.headers).filter(([key]) => !passing.has(key))),
    isWhole: answer.headers['content-length'] === String(Buffer.byteLength(answer.body)),
    body: answer.body.replaceAll(name, 'NAME').replaceAll(/"requestId":"[^"]*"/g, ''),
  };
}
