import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CallLimit, TokenGrant } from '../src/identity/index.ts';
import { systemClock as clock } from '../src/platform/clock/index.ts';
import { createAdmission } from '../src/serving/admission.ts';
import { indexTable } from '../src/serving/applied-table.ts';
import { createAttempts } from '../src/serving/attempts.ts';
import { createAttemptsGuard } from '../src/serving/attempts-guard.ts';
import { createDenials } from '../src/serving/denials.ts';
import type { FaceDependencies } from '../src/serving/faces.ts';
import { createInferenceHandler } from '../src/serving/inference-handler.ts';
import { createTableLimits } from '../src/serving/limits.ts';
import { createServingMetrics } from '../src/serving/metrics.ts';
import { TablePredictor, defaultPredictorLimits } from '../src/serving/predictor.ts';
import { parseTable } from '../src/serving/read-table.ts';
import { createTokenUses } from '../src/serving/token-uses.ts';
import { createUsage } from '../src/serving/usage.ts';
import { usageAnswerSchema } from '../src/serving/usage-report.ts';
import { silentLog } from './serving-twins.ts';

export interface MeasuredGatewayOptions {
  /** A routing table as the gateway of an installation kept it: the endpoints and the runners that serve them. */
  readonly table: string;
  /** Each is another actor's, who reaches every endpoint and is limited at each. */
  readonly tokens: readonly string[];
  /** False: whoever comes is let in, nothing is limited and nothing is attributed. */
  readonly isDecided: boolean;
}

type Decisions = Pick<FaceDependencies, 'admission' | 'attempts' | 'denials' | 'callLimits'> & {
  readonly count: FaceDependencies['observer']['observe'];
};

/** The data plane with or without authorization and attribution, to measure what these cost. Answers its port. */
export async function startMeasuredGateway({ table, tokens, isDecided }: MeasuredGatewayOptions): Promise<number> {
  const parsed = parseTable(table);
  if (parsed === undefined) throw new Error('the routing table cannot be read');
  const names = parsed.endpoints.map(({ name }) => name);
  const indexed = indexTable({
    ...parsed,
    tokens: tokens.map((token, index) => grantOf(token, index, names)),
    limits: tokens.flatMap((_, index) => names.map((endpoint) => limitOf(endpoint, index))),
  });
  const metrics = createServingMetrics({
    table: () => indexed,
    load: () => predictor.load(),
    forwardsInFlight: () => 0,
    isControlConnected: () => true,
    clock,
  });
  const predictor = new TablePredictor({
    software: '0.0.0',
    clock,
    log: silentLog,
    events: metrics,
    limits: defaultPredictorLimits,
    onChange: () => undefined,
  });
  const { count, ...decisions } = isDecided ? decided(indexed) : undecided();
  predictor.apply(indexed);
  let ids = 0;
  const handle = createInferenceHandler({
    ...decisions,
    directory: { find: (name) => indexed.find(name), endpoints: () => indexed.endpoints() },
    predictor,
    readiness: { server: () => true, deployment: (deployment) => predictor.isReady(deployment) },
    observer: {
      observe: (observation) => {
        count(observation);
        metrics.observe(observation);
      },
    },
    softwareVersion: '0.0.0',
    newRequestId: () => `request-${++ids}`,
    limits: { bodyTimeoutMs: 30_000, bodyBytesInFlight: 1e9 },
  });
  const server = createServer({ noDelay: true, keepAliveTimeout: 75_000 }, (request, response) => {
    if (!handle(request, response)) response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** As the gateway composes them, with a control that keeps each report at once. */
function decided(table: ReturnType<typeof indexTable>): Decisions {
  const admission = createAdmission({ clock });
  const tokenUses = createTokenUses(clock);
  const denials = createDenials({ clock });
  const callLimits = createTableLimits(clock);
  const usage = createUsage({ clock, stream: 'measured', limits: callLimits });
  admission.apply(table);
  callLimits.apply(table.table?.limits ?? [], []);
  setInterval(() => {
    tokenUses.take();
    denials.take();
    const text = JSON.stringify(usage.report() ?? null);
    const report = JSON.parse(text) as ReturnType<typeof usage.report> | null;
    if (report === null || report === undefined) return;
    usage.kept(usageAnswerSchema.parse({ ...report, used: report.quotas }));
  }, 1000).unref();
  return {
    admission: {
      ...admission,
      authenticate: (token) => {
        const grant = admission.authenticate(token);
        tokenUses.note(grant.tokenId);
        return grant;
      },
    },
    attempts: createAttemptsGuard({
      attempts: createAttempts({ clock }),
      sourceOf: () => 'here',
      onUnknown: (prefix) => denials.noteUnknown(prefix),
      onRefused: () => undefined,
      log: silentLog,
    }),
    denials,
    callLimits,
    count: (observation) => usage.count(observation),
  };
}

function undecided(): Decisions {
  const reach = { teams: '*', endpoints: [] } as const;
  const anybody: TokenGrant = {
    digest: '',
    tokenId: '',
    actor: 'anybody',
    expiresAt: null,
    see: reach,
    predict: reach,
  };
  return {
    admission: {
      authenticate: () => anybody,
      sees: () => true,
      mayPredict: () => true,
      seesEverything: () => true,
    },
    attempts: { judge: (_request, _response, error) => error },
    denials: { note: () => undefined },
    callLimits: { admit: () => undefined },
    count: () => undefined,
  };
}

function grantOf(token: string, index: number, endpoints: readonly string[]): TokenGrant {
  // Each reach is another, so that none is shared.
  const reach = { teams: [], endpoints: [...endpoints, `only-${index}`] };
  return {
    digest: createHash('sha256').update(token).digest('hex'),
    tokenId: `t${index}`,
    actor: `a${index}`,
    expiresAt: null,
    see: reach,
    predict: reach,
  };
}

function limitOf(endpoint: string, index: number): CallLimit {
  return { endpoint, actor: `a${index}`, ratePerSecond: 1e6, requestsPerDay: 1e9 };
}
