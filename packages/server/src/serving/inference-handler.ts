import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FaceDependencies } from './faces.ts';
import { BodyBudget } from './http/body-budget.ts';
import { Exchange } from './http/exchange.ts';
import { isUnder } from './http/path-segments.ts';
import { answerInvocations, renderInvocationError, invocationOperation } from './invocations/http.ts';
import { answerOip, renderOipError } from './oip/http.ts';
import { answerPredict, renderProblem } from './predict/http.ts';

/** Takes a request and answers it; false where it is not about inference, so that somebody else must answer. */
export type InferenceHandler = (request: IncomingMessage, response: ServerResponse) => boolean;

/**
 * The HTTP faces of the gateway: Open Inference Protocol under `/v2`, plain rows under `/predict`, and what
 * clients of MLflow's scoring server send under `/endpoints/{endpoint}/invocations`.
 *
 * The server that calls it should set `keepAliveTimeout` to 75 s or more (clients keep connections for a minute), and
 * `headersTimeout` for slow heads; bodies are timed here.
 */
export function createInferenceHandler(dependencies: FaceDependencies): InferenceHandler {
  const budget = new BodyBudget(dependencies.limits.bodyBytesInFlight);
  return (request, response) => {
    const url = request.url ?? '';
    if (isUnder(url, '/v2')) {
      const exchange = new Exchange('oip', request, response, dependencies, budget, renderOipError);
      run(exchange, () => answerOip(exchange, dependencies));
      return true;
    }
    if (isUnder(url, '/predict')) {
      const exchange = new Exchange('predict', request, response, dependencies, budget, renderProblem);
      run(exchange, () => answerPredict(exchange, dependencies));
      return true;
    }
    const operation = invocationOperation(url);
    if (operation !== undefined) {
      const exchange = new Exchange('invocations', request, response, dependencies, budget, renderInvocationError);
      run(exchange, () => answerInvocations(exchange, operation, dependencies));
      return true;
    }
    return false;
  };
}

/** Whatever goes wrong on the way becomes the answer. */
function run(exchange: Exchange, answer: () => Promise<void> | undefined): void {
  try {
    answer()?.catch((error: unknown) => exchange.fail(error));
  } catch (error) {
    exchange.fail(error);
  }
}
