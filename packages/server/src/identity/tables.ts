/** The tables of this room, as sql/0001-foundation.sql and sql/0006-identity.sql make them. */
export type IdentityTables = {
  installation: { id: string; created_at: number };
  team: { name: string; description: string; created_at: number };
  actor: {
    id: string;
    kind: 'person' | 'service';
    name: string;
    folded_name: string;
    team: string | null;
    disabled_at: number | null;
    created_at: number;
  };
  membership: { actor: string; team: string; role: string; source: string; created_at: number };
  platform_role: { actor: string; role: string; source: string; created_at: number };
  token: {
    id: string;
    digest: string;
    actor: string;
    kind: 'personal' | 'service' | 'endpoint';
    note: string;
    last4: string;
    actions: string | null;
    resources: string | null;
    created_at: number;
    created_by: string | null;
    expires_at: number | null;
    revoked_at: number | null;
    last_used_at: number | null;
  };
  endpoint_access: {
    endpoint: string;
    subject_kind: 'actor' | 'team';
    subject: string;
    rate_per_second: number | null;
    requests_per_day: number | null;
    expires_at: number | null;
    created_at: number;
    created_by: string;
  };
  authz_clock: { id: number; epoch: number };
};
