import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type Route, errorCodeOf, routes } from '@muster-ml/protocol';
