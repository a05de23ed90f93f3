import { MusterError, type Runtime, type ServingSettings, servingSettingsSchema } from '@muster-ml/protocol';

/** Settings that have an effect on versions of one runtime only. */
const settingsOf = { onnx: 'onnx', python: 'python' } as const satisfies Record<Runtime, keyof ServingSettings>;

const defaults = servingSettingsSchema.parse({});

/** Refuses settings of another runtime than the version's, because they would be accepted and have no effect: `invalid_request`. */
export function refuseOtherSettings(settings: ServingSettings, runtime: Runtime, version: string): void {
  if (runtime === 'onnx' && Object.keys(settings.secrets ?? {}).length > 0)
    throw new MusterError('invalid_request', `${version} is run by onnx, which reads no environment variables`, {
      place: 'body.settings.secrets',
      remedy: 'Leave settings.secrets out; only a model that Python runs can use a secret.',
    });
  for (const other of Object.keys(settingsOf) as Runtime[]) {
    const part = settingsOf[other];
    if (other === runtime || JSON.stringify(settings[part]) === JSON.stringify(defaults[part])) continue;
    throw new MusterError(
      'invalid_request',
      `${version} is run by ${runtime}, so settings of ${other} have no effect`,
      {
        place: `body.settings.${part}`,
        remedy: `Leave settings.${part} out.`,
      },
    );
  }
}
