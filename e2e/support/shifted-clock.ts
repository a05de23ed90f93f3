// Loaded before everything else (NODE_OPTIONS=--import=…) to let the processes of a test live so many days later: nobody
// can wait until something is three months old.
const days = Number(new URL(import.meta.url).searchParams.get('days') ?? '0');
const RealDate = globalThis.Date;
const now = (): number => RealDate.now() + days * 86_400_000;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, given: readonly unknown[], self: DateConstructor): Date =>
    Reflect.construct(target, given.length === 0 ? [now()] : given, self) as Date,
  get: (target, key, self): unknown => (key === 'now' ? now : Reflect.get(target, key, self)),
});
