import { z } from 'zod';

/** Settings of the probes of endpoints that run elsewhere. */
export const observingSettings = z.strictObject({
  allowedHosts: z
    .array(
      z
        .string()
        .max(262)
        .regex(
          /^((\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$/,
          'must look like models.example.org, models.example.org:8080 or *.example.org',
        ),
    )
    .max(1000)
    .default([])
    .describe(
      'Hosts that probes of endpoints that run elsewhere may be sent to, such as models.example.org:8080 or *.example.org; without a port, that of http and https. No other address is ever asked',
    ),
  allowPrivate: z
    .boolean()
    .default(false)
    .describe(
      'Let probes reach private addresses, such as those of the network of this machine and of the machine itself; the hosts still have to be listed',
    ),
  everyMs: z.number().int().min(1000).default(60_000).describe('How often a probe is looked at'),
  timeoutMs: z.number().int().min(10).max(60_000).default(5000).describe('Longest look at a probe'),
});
