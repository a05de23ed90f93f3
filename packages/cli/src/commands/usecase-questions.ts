import { createInterface } from 'node:readline';
import { type ReviewAnswers, type ReviewQuestion, reviewQuestions } from '@muster-ml/protocol';
import { Interrupted } from '../interrupted.ts';
import type { Invocation } from '../invocation.ts';

const words: Readonly<Record<string, 'yes' | 'no' | 'unknown'>> = {
  y: 'yes',
  yes: 'yes',
  n: 'no',
  no: 'no',
  u: 'unknown',
  unknown: 'unknown',
  '?': 'unknown',
};

/** Asks the questions one by one, each with its why; a word that is no answer is asked again. Throws `Interrupted`. */
export async function askQuestions(
  { terminal, surroundings }: Invocation,
  open: readonly ReviewQuestion[],
): Promise<ReadonlyMap<ReviewQuestion, ReviewAnswers['rule']>> {
  const answers = new Map<ReviewQuestion, ReviewAnswers['rule']>();
  if (open.length === 0) return answers;
  const { stdin, stderr, interruption } = surroundings;
  // Lines that are typed ahead are kept; what is typed, the terminal itself shows.
  const lines = createInterface({ input: stdin, signal: interruption });
  const typed = lines[Symbol.asyncIterator]();
  const { bold, dim } = terminal.paintNotes;
  try {
    for (const question of open) {
      const { text, why } = reviewQuestions[question];
      stderr.write(`${bold(`${answers.size + 1}/${open.length} ${text}`)}\n    ${dim(why)}\n`);
      let answer: ReviewAnswers['rule'] | undefined;
      while (answer === undefined) {
        stderr.write('    yes, no or unknown; a note may follow: ');
        const line = await typed.next();
        if (line.done === true) throw new Interrupted('Nothing was changed.');
        answer = answerIn(line.value);
      }
      answers.set(question, answer);
    }
    stderr.write('\n');
  } finally {
    lines.close();
  }
  return answers;
}

/** `no, nobody counts it`: the answer and a note. */
function answerIn(line: string): ReviewAnswers['rule'] | undefined {
  const [, word = '', note = ''] = /^\s*([a-zA-Z]+|\?)[\s,.:;-]*(.*)$/.exec(line) ?? [];
  const answer = words[word.toLowerCase()];
  return answer === undefined ? undefined : { answer, note: note.trim() };
}
