import { readFileSync } from 'node:fs';
import { type Look, lookAround } from './look-around.ts';

/** An inspection that looks around instead, as the "model file" says, and prints what it reached. */
const { look } = JSON.parse(readFileSync(process.argv.at(-1) ?? '', 'utf8')) as { readonly look: Look };
process.stdout.write(JSON.stringify(await lookAround(look)), () => process.exit(0));
