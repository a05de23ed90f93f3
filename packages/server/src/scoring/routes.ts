import type { Handlers } from '../identity/index.ts';
import type { Scoring } from './scoring.ts';

type ScoreRoutes = 'scoreStart' | 'scoreList' | 'scoreGet' | 'scoreResult' | 'scoreErrors' | 'scoreDelete';

/** Routes of scores. */
export function scoringRoutes(scoring: Scoring): Handlers<ScoreRoutes> {
  return {
    scoreStart: async ({ caller, params, body }) => await scoring.startScore(caller, params.endpoint, body),
    scoreList: async ({ caller, params, query }) => {
      const page = await scoring.listScores(caller, params.endpoint, query);
      return { ...page, items: [...page.items] };
    },
    scoreGet: async ({ caller, params }) => await scoring.getScore(caller, params.score),
    scoreResult: async ({ caller, params }) => await scoring.readResult(caller, params.score),
    scoreErrors: async ({ caller, params }) => await scoring.readErrors(caller, params.score),
    scoreDelete: async ({ caller, params }) => {
      await scoring.deleteScore(caller, params.score);
      return undefined;
    },
  };
}
