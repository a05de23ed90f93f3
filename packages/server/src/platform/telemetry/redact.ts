const replacements: readonly (readonly [RegExp, string])[] = [
  // Credentials of HTTP: `Authorization: Bearer …`
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, '$1 •••'],
  // Muster's own tokens
  [/\bmuster_[\w-]{8,}/g, 'muster_•••'],
  // Passwords in URLs: `postgres://user:password@host`
  [/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s@/]+@/gi, '$1:•••@'],
  // `token=…`, `"password": "…"` in a text
  [/\b(token|secret|password|api_?key)("?\s*[=:]\s*"?)[^\s"&,;]{4,}/gi, '$1$2•••'],
];

/** Blanks what looks like a credential within a text: error messages of other people's libraries quote URLs and headers. */
export function redactText(text: string): string {
  return replacements.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), text);
}
