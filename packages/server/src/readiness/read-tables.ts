import type { DeploymentTables } from '../deployments/index.ts';
import type { StandingTables } from '../standing/index.ts';
import type { UseCaseTables } from '../usecases/index.ts';
import type { EvidenceTables } from './evidence-store.ts';
import type { WaiverTables } from './waiver-store.ts';

/** What checks judge by is in the tables of many rooms; it is read here, never written. */
export type FactTables = DeploymentTables &
  UseCaseTables &
  StandingTables &
  EvidenceTables &
  WaiverTables & {
    actor: { id: string; kind: 'person' | 'service'; name: string; disabled_at: number | null };
    membership: { actor: string; team: string };
    token: { actor: string; created_at: number; last_used_at: number | null };
    model: { id: string; name: string };
    model_version: {
      model: string;
      number: number;
      digest: string;
      facts: string;
      signature: string;
      sample_digest: string | null;
      created_at: number;
      created_by: string;
    };
    endpoint_access: {
      endpoint: string;
      subject_kind: 'actor' | 'team';
      subject: string;
      expires_at: number | null;
      created_at: number;
    };
    usage_hour: {
      endpoint: string;
      team: string;
      hour: number;
      actor: string;
      model: string;
      version: string;
      requests: number;
      server_errors: number;
      last_at: number;
    };
    observed_endpoint: { endpoint: string; platform: string; model: string | null; version: string | null };
  };
