import { describe, expect, test } from 'vitest';
import { UsageError } from '../usage-error.ts';
import { readCsv } from './read-csv.ts';

const bodies = (text: string, defaults = {}) => readCsv('fleet.csv', text, defaults).map(({ body }) => body);

/** What is said of a table that does not fit. */
function refusal(text: string): { message: string; remedy: string; place: string | undefined } {
  try {
    readCsv('fleet.csv', text, {});
  } catch (error) {
    if (error instanceof UsageError) return { message: error.message, remedy: error.remedy, place: error.place };
    throw error;
  }
  throw new Error('it was taken');
}

describe('a table of endpoints', () => {
  test('is read by the names of its columns; an empty cell says nothing', () => {
    const text =
      'name,platform,use-case,version,location\nfraud,kserve,stop-fraud,4,"prod, EU"\n\nchurn,sagemaker,,,\n';
    expect(readCsv('fleet.csv', text, {})).toEqual([
      {
        body: { name: 'fraud', platform: 'kserve', useCase: 'stop-fraud', version: '4', location: 'prod, EU' },
        place: 'fleet.csv:2',
      },
      { body: { name: 'churn', platform: 'sagemaker' }, place: 'fleet.csv:4' },
    ]);
  });

  test('may come from a spreadsheet: with a byte order mark, semicolons, and names written freely', () => {
    expect(bodies('\uFEFFName;Platform;Use case\r\nfraud;kserve;x\r\n')).toEqual([
      { name: 'fraud', platform: 'kserve', useCase: 'x' },
    ]);
  });

  test('takes team and owner from the flags where a row says none', () => {
    expect(bodies('name,platform,team\na,x,risk\nb,x,\n', { team: 'search', owner: 'ana' })).toEqual([
      { name: 'a', platform: 'x', team: 'risk', owner: 'ana' },
      { name: 'b', platform: 'x', team: 'search', owner: 'ana' },
    ]);
  });

  test('counts lines as an editor does, also after a cell that holds some', () => {
    const text = 'name,platform,description\na,x,"one\ntwo"\nb,x,\nB!,x,\n';
    expect(readCsv('f.csv', text.replace('B!,x,\n', ''), {}).map(({ place }) => place)).toEqual(['f.csv:2', 'f.csv:4']);
    expect(refusal(text)).toMatchObject({
      place: 'fleet.csv:5',
      message: expect.stringContaining('line 5, column name') as unknown,
    });
  });

  test.each([
    [
      'name,plattform\na,x\n',
      'line 1, column 2 of fleet.csv: there is no column `plattform`',
      'Write `platform`, or take the column out.',
    ],
    [
      'name,platform,colour\na,x,red\n',
      'line 1, column 3 of fleet.csv: there is no column `colour`',
      'The columns are name, team,',
    ],
    ['name,platform,name\na,x,b\n', 'line 1, column 3 of fleet.csv: name is there twice', 'Take one of them out.'],
    ['name,team\na,b\n', 'fleet.csv has no column platform', 'Every endpoint needs name and platform.'],
    ['', 'fleet.csv is empty', 'Begin with a line of names'],
    ['name,platform\n', 'fleet.csv has no row below its names', 'Write name,team'],
    ['name,platform\na,"x\n', 'fleet.csv is no CSV', 'in double quotes'],
  ])('%j is refused with what to do', (text, message, remedy) => {
    const said = refusal(text);
    expect(said.message).toContain(message);
    expect(said.remedy).toContain(remedy);
  });

  test('says all that is wrong at once, each with its line and column', () => {
    const { message, place } = refusal(
      'name,platform,probe,version\nFraud,kserve,,\nchurn,,,\nchurn,x,ftp://a.example.org/,\nlong,x,,1,more\n',
    );
    expect(message).toContain('line 2, column name: may hold a-z');
    expect(message).toContain('line 3, column platform: ');
    expect(message).toContain('line 4, column probe: ');
    expect(message).toContain('line 4, column name: line 3 has churn already');
    expect(message).toContain('line 5, column beyond the last name: ');
    expect(place).toBe('fleet.csv:2');
  });
});
