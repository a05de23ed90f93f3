import { z } from 'zod';
import { slugSchema } from '../management/names.ts';
import { pageOf } from '../management/pages.ts';
import {
  acceptUseCaseSchema,
  declineUseCaseSchema,
  proposeUseCaseSchema,
  retireUseCaseSchema,
  reviewUseCaseSchema,
  updateUseCaseSchema,
  useCaseQuerySchema,
  useCaseSchema,
} from '../management/use-cases.ts';
import { route } from '../route.ts';

const params = z.strictObject({ useCase: slugSchema });
const answer = { status: 200, schema: useCaseSchema } as const;

/** Routes over why models exist. */
export const useCaseRoutes = {
  useCaseList: route({
    method: 'GET',
    path: '/api/v1/use-cases',
    action: 'usecase.read',
    summary: 'Use cases, by name',
    query: useCaseQuerySchema,
    answer: { status: 200, schema: pageOf(useCaseSchema) },
  }),
  useCasePropose: route({
    method: 'POST',
    path: '/api/v1/use-cases',
    action: 'usecase.propose',
    summary: 'Proposes a use case',
    body: proposeUseCaseSchema,
    answer: { status: 201, schema: useCaseSchema },
  }),
  useCaseGet: route({
    method: 'GET',
    path: '/api/v1/use-cases/{useCase}',
    action: 'usecase.read',
    summary: 'One use case',
    params,
    answer,
  }),
  useCaseUpdate: route({
    method: 'PATCH',
    path: '/api/v1/use-cases/{useCase}',
    action: 'usecase.update',
    summary: 'Changes what a use case says',
    params,
    body: updateUseCaseSchema,
    answer,
    conditional: true,
  }),
  useCaseReview: route({
    method: 'POST',
    path: '/api/v1/use-cases/{useCase}/review',
    action: 'usecase.review',
    summary: 'Records the answers of the guided review, and what they speak for; a declined one is proposed again',
    params,
    body: reviewUseCaseSchema,
    answer,
  }),
  useCaseAccept: route({
    method: 'POST',
    path: '/api/v1/use-cases/{useCase}/accept',
    action: 'usecase.decide',
    summary: 'Accepts a reviewed use case, with its risk tier',
    params,
    body: acceptUseCaseSchema,
    answer,
  }),
  useCaseDecline: route({
    method: 'POST',
    path: '/api/v1/use-cases/{useCase}/decline',
    action: 'usecase.decide',
    summary: 'Declines a use case, with the reason',
    params,
    body: declineUseCaseSchema,
    answer,
  }),
  useCaseRetire: route({
    method: 'POST',
    path: '/api/v1/use-cases/{useCase}/retire',
    action: 'usecase.retire',
    summary: 'Ends a use case; its endpoints are orphans until they get another',
    params,
    body: retireUseCaseSchema,
    answer,
  }),
} as const;
