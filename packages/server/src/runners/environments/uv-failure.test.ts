import { describe, expect, test } from 'vitest';
import { errorOfUv } from './uv-failure.ts';

const context = {
  python: '3.12',
  otherPythons: ['3.10', '3.11'],
  packages: ['alpha', 'beta', 'gamma'],
  offline: false,
  allowSourceBuilds: false,
};

const unsolved = 'error: No solution found when resolving dependencies\n  cause: ';
const end = ', we can conclude that your requirements are unsatisfiable.';

describe('what uv says becomes a sentence that names the package and the way out', () => {
  test.each<[string, string, RegExp, RegExp]>([
    [
      'a conflict of two packages',
      `${unsolved}Because all versions of beta depend on gamma>=2 and all versions of alpha depend on gamma<2, we can conclude that all versions of alpha and all versions of beta are incompatible.
         And because you require alpha and beta${end}`,
      /^the requirements contradict each other: Because all versions of beta depend on gamma>=2.* alpha and beta$/,
      /one of alpha, beta, gamma/,
    ],
    [
      'a requirement against another',
      `${unsolved}Because you require gamma==1.0 and gamma==2.0${end}`,
      /^the requirements contradict each other: Because you require gamma==1\.0 and gamma==2\.0$/,
      /one of them/,
    ],
    [
      'a source distribution only',
      `${unsolved}Because docopt==0.6.2 has no usable wheels and you require docopt==0.6.2${end}

hint: Wheels are required for \`docopt\` because building from source is disabled for all packages (i.e., with \`--no-build\`)`,
      /^there is no wheel of docopt for Python 3\.12 .*docopt==0\.6\.2$/,
      /another version of docopt or another Python \(here: 3\.10, 3\.11\); python\.allowSourceBuilds/,
    ],
    [
      'wheels of another platform',
      `${unsolved}Because onlywin==1.0 has no wheels with a matching platform tag (e.g., \`manylinux_2_36_x86_64\`) and only onlywin==1.0 is available, we can conclude that all versions of onlywin cannot be used.
         And because you require onlywin${end}`,
      /^there is no wheel of onlywin for Python 3\.12/,
      /another version of onlywin/,
    ],
    [
      'an unknown name',
      `${unsolved}Because scikit-lern was not found in the package registry and you require scikit-lern${end}`,
      /^scikit-lern is in no package index/,
      /spelling of scikit-lern/,
    ],
    [
      'an unknown name that another package needs',
      `${unsolved}Because absent was not found in the cache and all versions of lost depend on absent>=1, we can conclude that all versions of lost cannot be used.`,
      /^absent is in no package index.*lost depend on absent>=1/,
      /absent/,
    ],
    [
      'an unknown version',
      `${unsolved}Because there is no version of numpy==99.1 and you require numpy==99.1${end}`,
      /^there is no such version of numpy: /,
      /a version of numpy that exists/,
    ],
    [
      'a range without versions',
      `${unsolved}Because only gamma<=2.0 is available and you require gamma>=3,<4${end}`,
      /^there is no such version of gamma: /,
      /gamma/,
    ],
    [
      'a newer Python',
      `${unsolved}Because newer==1.0 requires Python >=3.99 and only newer==1.0 is available, we can conclude that all versions of newer cannot be used.`,
      /^newer needs Python >=3\.99, and this is 3\.12/,
      /another version of newer or another Python/,
    ],
    [
      'a newer Python, as older versions of uv say it',
      `  × No solution found when resolving dependencies:
  ╰─▶ Because the current Python version (3.12.1) does not satisfy Python>=3.13 and pandas==9.0.0
      depends on Python>=3.13, we can conclude that pandas==9.0.0 cannot be used.`,
      /^pandas needs Python >=3\.13, and this is 3\.12/,
      /another version of pandas/,
    ],
  ])('%s', (_name, said, message, remedy) => {
    const error = errorOfUv(said, context);
    expect(error).toMatchObject({ code: 'environment_unresolvable' });
    expect(error.message).toMatch(message);
    expect(error.remedy).toMatch(remedy);
    expect(error.message).not.toMatch(/hint:|unsatisfiable|×|╰/);
  });

  test.each<[string, string, RegExp, RegExp]>([
    [
      'no network',
      `error: Request failed after 3 retries in 7.9s
  cause: Failed to fetch: https://pypi.org/simple/numpy/
  cause: tcp connect error
  cause: Connection refused (os error 111)`,
      /^pypi\.org did not give the packages: /,
      /proxy variables.*python\.wheelFolders/,
    ],
    [
      'a certificate',
      `error: Failed to fetch: https://mirror.example/simple/alpha/
  cause: invalid peer certificate: UnknownIssuer`,
      /^the certificate of mirror\.example is not trusted/,
      /SSL_CERT_FILE/,
    ],
    [
      'a password that is missing',
      `${unsolved}Because alpha was not found in the package registry and you require alpha${end}

hint: An index URL (https://mirror.example/simple/) could not be queried due to a lack of valid authentication credentials (401 Unauthorized)`,
      /^mirror\.example refused the request/,
      /\.netrc/,
    ],
    [
      'a build',
      'error: Failed to build `docopt==0.6.2`\n  cause: no compiler',
      /^docopt==0\.6\.2 could not be built/,
      /of docopt that has a wheel/,
    ],
    ['something else', 'error: something new', /^uv could not make the environment: something new$/, /detail/],
    ['nothing', '', /it said nothing/, /detail/],
  ])('%s', (_name, said, message, remedy) => {
    const error = errorOfUv(said, context);
    expect(error).toMatchObject({ code: 'environment_failed' });
    expect(error.message).toMatch(message);
    expect(error.remedy).toMatch(remedy);
  });

  test('a full disk is told as such', () => {
    expect(errorOfUv('error: failed to write\n  cause: No space left on device (os error 28)', context)).toMatchObject({
      code: 'disk_full',
    });
  });

  test('without an index, wheel folders are the way out', () => {
    const said = `${unsolved}Because absent was not found in the cache and you require absent${end}`;
    const error = errorOfUv(said, { ...context, offline: true });
    expect(error.message).toMatch(/^absent is in no wheel folder and not in the cache/);
    expect(error.remedy).toBe('Put a wheel of absent into a folder of python.wheelFolders.');
  });

  test('users and passwords in addresses are not repeated', () => {
    const said = 'error: Failed to fetch: https://ada:hunter2@mirror.example/simple/alpha/\n  cause: timed out';
    const error = errorOfUv(said, context);
    expect(error.message).toContain('https://mirror.example/simple/alpha/');
    expect(JSON.stringify([error.message, error.remedy, error.details])).not.toMatch(/ada|hunter2/);
  });

  test('a long story is cut', () => {
    const long = 'x=<'.repeat(100_000);
    for (const said of [`error: ${long}`, `${unsolved}Because ${long}`, `${unsolved}${'Because x==1 '.repeat(10_000)}`])
      expect(errorOfUv(said, context).message.length).toBeLessThan(2_000);
  });
});
