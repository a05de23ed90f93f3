import { expect, test } from 'vitest';
import { joinExpositions } from './exposition.ts';

test('texts of several processes become one in which each metric comes once, with all its samples', () => {
  const gateway =
    '# HELP h Help.\n# TYPE h histogram\nh_bucket{le="1"} 1\nh_sum 1\nh_count 1\n# HELP own Own.\n# TYPE own gauge\nown 1\n';
  const control =
    '# HELP x X.\n# TYPE x counter\nx_total{p="c"} 3\n\n# HELP h Help.\n# TYPE h histogram\nh_bucket{le="1",p="c"} 2\nh_sum{p="c"} 2\nh_count{p="c"} 2\nbare 5\n# EOF\n';
  expect(joinExpositions([gateway, control]).split('\n')).toEqual([
    '# HELP h Help.',
    '# TYPE h histogram',
    'h_bucket{le="1"} 1',
    'h_sum 1',
    'h_count 1',
    'h_bucket{le="1",p="c"} 2',
    'h_sum{p="c"} 2',
    'h_count{p="c"} 2',
    '# HELP own Own.',
    '# TYPE own gauge',
    'own 1',
    '# HELP x X.',
    '# TYPE x counter',
    'x_total{p="c"} 3',
    'bare 5',
    '',
  ]);
});
