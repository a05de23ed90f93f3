import type { Handlers } from '../identity/index.ts';
import type { EvidenceRoom } from './evidence-room.ts';

/** The routes about evidence and waivers. */
export type EvidenceRoute =
  | 'evidenceList'
  | 'evidenceAttest'
  | 'waiverList'
  | 'waiverRequest'
  | 'waiverApprove'
  | 'waiverReject'
  | 'waiverRevoke';

/** Translates the management API into use cases. */
export function evidenceRoutes(room: EvidenceRoom): Handlers<EvidenceRoute> {
  return {
    evidenceList: async ({ caller, params, query }) => {
      const { items, next } = await room.list(caller, params.endpoint, query);
      return { items: [...items], next };
    },
    evidenceAttest: async ({ caller, params, body }) => await room.attest(caller, params.endpoint, body),
    waiverList: async ({ caller, params, query }) => {
      const { items, next } = await room.listWaivers(caller, params.endpoint, query);
      return { items: [...items], next };
    },
    waiverRequest: async ({ caller, params, body }) => await room.requestWaiver(caller, params.endpoint, body),
    waiverApprove: async ({ caller, params, body }) =>
      await room.decideWaiver(caller, params.endpoint, params.waiver, { step: 'approved', reason: body.reason }),
    waiverReject: async ({ caller, params, body }) =>
      await room.decideWaiver(caller, params.endpoint, params.waiver, { step: 'rejected', reason: body.reason }),
    waiverRevoke: async ({ caller, params, body }) =>
      await room.decideWaiver(caller, params.endpoint, params.waiver, { step: 'revoked', reason: body.reason }),
  };
}
