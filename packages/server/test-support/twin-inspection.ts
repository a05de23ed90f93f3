import { readFileSync } from 'node:fs';
import { type Look, lookAround } from './look-around.ts';

/** An inspection that looks around instead, as the "model file" says, and prints what it reached; without a look, it hangs. */
const { look } = JSON.parse(readFileSync(process.argv.at(-1) ?? '', 'utf8')) as { readonly look?: Look };
if (look === undefined) setInterval(() => {}, 1_000);
else process.stdout.write(JSON.stringify(await lookAround(look)), () => process.exit(0));
