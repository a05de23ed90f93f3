/**
 * The questions of one link that have no answer yet, by number. Numbers rise, and begin again after 2^32 - 1, so that a
 * late answer to a question that was taken back is not taken for another's.
 *
 * An array in which each number has its place, and not a `Map`: a map from which as much is deleted as comes in copies
 * itself again and again, and what it was goes on pointing to what it became. Once the garbage collector has taken one
 * of these for old, every question after it is kept, and copied, until the next full collection.
 */
export interface OpenQuestions<T> {
  readonly size: number;
  /** A number that no open question has. */
  nextNumber(): number;
  open(number: number, question: T): void;
  /** Ends a question; undefined if there is none of this number. */
  take(number: number): T | undefined;
  /** Ends all; they come in the order in which they got their numbers. */
  takeAll(): T[];
}

const firstPlaces = 64;
const highestNumber = 0xffff_ffff;

interface Entry<T> {
  readonly number: number;
  readonly question: T;
}

export function createOpenQuestions<T>(firstNumber = 1): OpenQuestions<T> {
  let places: (Entry<T> | undefined)[] = emptyPlaces(firstPlaces);
  let size = 0;
  let last = firstNumber - 1;

  /** The number of places is a power of two. */
  const placeOf = (number: number): number => (number & (places.length - 1)) >>> 0;

  /** Two numbers with places of their own have such among twice as many, too. */
  const grow = (): void => {
    const before = places;
    places = emptyPlaces(before.length * 2);
    for (const entry of before) if (entry !== undefined) places[placeOf(entry.number)] = entry;
  };

  return {
    get size() {
      return size;
    },
    nextNumber: () => {
      // Half of the places are free then: one that is follows soon.
      if (size * 2 >= places.length) grow();
      do last = last >= highestNumber ? 1 : last + 1;
      while (places[placeOf(last)] !== undefined);
      return last;
    },
    open: (number, question) => {
      places[placeOf(number)] = { number, question };
      size += 1;
    },
    take: (number) => {
      const place = placeOf(number);
      const entry = places[place];
      if (entry?.number !== number) return undefined;
      places[place] = undefined;
      size -= 1;
      return entry.question;
    },
    takeAll: () => {
      const age = ({ number }: Entry<T>): number => (last - number) >>> 0;
      const all = places.filter((entry) => entry !== undefined).toSorted((one, other) => age(other) - age(one));
      places = emptyPlaces<T>(firstPlaces);
      size = 0;
      return all.map(({ question }) => question);
    },
  };
}

function emptyPlaces<T>(count: number): (Entry<T> | undefined)[] {
  return Array.from<Entry<T> | undefined>({ length: count });
}
