import { describe, expect, test } from 'vitest';
import { readPins, readRequirements } from './requirement.ts';

describe('requirements of users', () => {
  test.each([
    ['numpy', 'numpy', 'numpy'],
    ['scikit_learn == 1.5.2', 'scikit-learn', 'scikit_learn==1.5.2'],
    ['pandas>=2, <3', 'pandas', 'pandas>=2,<3'],
    ['pandas (>=2,<3)', 'pandas', 'pandas>=2,<3'],
    ['uvicorn[standard, http]~=0.30', 'uvicorn', 'uvicorn[standard,http]~=0.30'],
    ['torch==2.6.0+cpu', 'torch', 'torch==2.6.0+cpu'],
    ['numpy!=1.25.*', 'numpy', 'numpy!=1.25.*'],
    ['tomli; python_version < "3.11"', 'tomli', 'tomli ; python_version < "3.11"'],
    ['zope.interface===5.0 # of the server', 'zope-interface', 'zope.interface===5.0'],
  ])('are read by name: %s', (line, name, text) => {
    expect(readRequirements([line])).toEqual([{ name, text }]);
  });

  test('blank lines and comments are left out', () => {
    expect(readRequirements(['', '  ', '# made by hand', 'six  # for Python 2'])).toEqual([
      { name: 'six', text: 'six' },
    ]);
  });

  test.each([
    ['-r other.txt', /an option/],
    ['-e .', /an option/],
    ['--index-url https://evil.example/simple', /an option/],
    ['-c constraints.txt', /an option/],
    ['numpy --hash=sha256:00', /an option behind it/],
    ['six @ https://evil.example/six.whl', /an address/],
    ['six[x]@file:///etc/passwd', /an address/],
    ['git+https://github.com/psf/requests', /an address/],
    ['https://evil.example/six.whl', /an address/],
    ['file:///etc/passwd', /an address/],
    ['./six', /a file/],
    ['../six', /a file/],
    ['/etc/passwd', /a file/],
    ['six-1.0-py3-none-any.whl', /a file/],
    ['requirements.txt', /a file/],
    ['num py', /not a requirement/],
    ['six==1.0\n-r /etc/passwd', /./],
    ['six==${HOME}', /not a requirement/],
    ['six==1.0 \\', /./],
    ['six; os_name == "$(id)"', /not a requirement/],
    ['x'.repeat(2000), /not a requirement/],
  ])('never become an option, a file or an address: %s', (line, what) => {
    expect(() => readRequirements(['numpy', line])).toThrow(
      expect.objectContaining({
        code: 'environment_unresolvable',
        place: 'requirements[1]',
        message: expect.stringMatching(what) as string,
      }),
    );
  });

  test('a refused address is shown without its password', () => {
    expect(() => readRequirements(['six @ https://ada:hunter2@mirror.example/six.whl'])).toThrow(
      expect.objectContaining({ message: expect.not.stringMatching(/hunter2/) as string }),
    );
  });
});

test('a spec has exact versions only', () => {
  expect([...readPins(['Scikit_Learn==1.5.2', 'torch==2.6.0+cpu'])]).toEqual([
    ['scikit-learn', '1.5.2'],
    ['torch', '2.6.0+cpu'],
  ]);
  for (const open of ['numpy', 'numpy>=1', 'numpy==1.*', 'numpy==1 ; python_version > "3"', '-r x', 'numpy==1\n-r x'])
    expect(() => readPins([open])).toThrow(expect.objectContaining({ code: 'environment_unresolvable' }));
});
