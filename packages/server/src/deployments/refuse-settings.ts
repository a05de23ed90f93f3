import { MusterError, type Runtime, type ServingSettings, servingSettingsSchema } from '@muster-ml/protocol';

/** Settings that have an effect on versions of one runtime only. */
const settingsOf = { onnx: 'onnx', python: 'python' } as const satisfies Record<Runtime, keyof ServingSettings>;

const defaults = servingSettingsSchema.parse({});

/** Refuses settings of another runtime than the version's, because they would be accepted and have no effect: `invalid_request`. */
export function refuseOtherSettings(settings: ServingSettings, runtime: Runtime, version: string): void {
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
