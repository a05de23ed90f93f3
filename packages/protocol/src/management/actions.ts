/** What a permission is about. Every route of the management API names one of these; the roles that hold them come with identity. */
export const actions = [
  'installation.read',
  'operation.read',
  'operation.cancel',
  'model.read',
  'model.create',
  'version.register',
  'version.read',
  'alias.set',
  'endpoint.read',
  'endpoint.update',
  'endpoint.deploy',
  'endpoint.promote',
  'endpoint.rollback',
  'endpoint.delete',
  'endpoint.logs',
  'endpoint.predict',
  'endpoint.score',
  'score.read',
  'score.delete',
] as const;

export type Action = (typeof actions)[number];
