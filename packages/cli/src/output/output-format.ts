/** How lists are shown. */
export const outputFormats = ['table', 'wide', 'name'] as const;

export type OutputFormat = (typeof outputFormats)[number];
